/** MQTT over TCP, encrypted or not. */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface TcpOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  tls?: { cert: string; key: string };
  /** TLS handshakes that take longer are broken off. */
  handshakeTimeoutMs: number;
  maxConnections: number;
  /**
   * A connection has been made, before any handshake.
   * @returns what is called when it is gone; null: it was turned away
   */
  admit(socket: Socket): (() => void) | null;
  /** @param leave as `admit` gave it */
  accept(socket: Socket, leave: () => void): void;
  onError(error: Error): void;
}

export interface TcpListener {
  port: number;
  /** Takes no more connections; resolves when those that are open have ended. */
  close(): Promise<void>;
  /** Ends them. */
  endAll(): void;
}

/** @throws {Error} where the port is in use */
export async function listenTcp(options: TcpOptions): Promise<TcpListener> {
  const { tls, accept, admit } = options;
  const server = tls
    ? createTlsServer({ ...tls, noDelay: true, handshakeTimeout: options.handshakeTimeoutMs })
    : createServer({ noDelay: true });
  // With TLS a connection is accepted after its handshake; these are all.
  const sockets = new Set<Socket>();
  /** Those that shake hands, by their peer: the socket of TLS is another than the one under it. */
  const shaking = new Map<string, () => void>();
  server.maxConnections = options.maxConnections;
  server.on('connection', (socket: Socket) => {
    const leave = admit(socket);
    if (!leave) return;
    const peer = peerOf(socket);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      shaking.delete(peer);
      leave();
    });
    if (tls) shaking.set(peer, leave);
    else accept(socket, leave);
  });
  server.on('secureConnection', (socket: Socket) => {
    const peer = peerOf(socket);
    const leave = shaking.get(peer);
    shaking.delete(peer);
    if (leave) accept(socket, leave);
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, options)));
    server.listen(options.port, options.host, () => resolve());
  });
  server.on('error', options.onError);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
    endAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function explained(error: NodeJS.ErrnoException, { host, port }: TcpOptions): Error {
  if (error.code !== 'EADDRINUSE') return error;
  return new Error(`the MQTT port ${port} on ${host} is in use: stop what uses it, or choose another port`, {
    cause: error,
  });
}
