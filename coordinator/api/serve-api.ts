/** Listens for HTTP, or HTTPS where there is a certificate. */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

export interface ServedApi {
  /** For those who attach to it (MQTT over WebSocket). */
  server: Server;
  port: number;
  close(): Promise<void>;
}

/**
 * How long a connection may be idle. Node's 5 s are shorter than what a busy machine may stand still for: the next
 * request of a client that knows of no end would then find its connection closed.
 */
const KEEP_ALIVE_MS = 30_000;

/** @throws {Error} where the port is in use or may not be used, saying how to choose another */
export async function serveApi(
  app: Hono,
  { host, port, onError = console.error }: { host: string; port: number; onError?: (error: Error) => void },
  tls: { cert: string; key: string } | null = null,
): Promise<ServedApi> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    hostname: host,
    ...(tls ? { createServer: createTlsServer, serverOptions: { cert: tls.cert, key: tls.key } } : { createServer }),
  }) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // Upgraded sockets (MQTT over WebSocket) are no longer the server's, and would keep it from closing.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const onFailure = (error: NodeJS.ErrnoException) => reject(explain(error, host, port));
    server.once('error', onFailure);
    server.listen(port, host, () => {
      server.off('error', onFailure);
      resolve();
    });
  });
  // Such as that there are no more file descriptors for a connection.
  server.on('error', onError);
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Event streams never end by themselves.
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new Error(`port ${port} on ${host} is in use: end the program that has it, or choose another with --port`);
  if (error.code === 'EACCES')
    return new Error(`port ${port} may only be used by root: choose one above 1023 with --port`);
  if (error.code === 'EADDRNOTAVAIL')
    return new Error(`this machine has no address ${host}: choose one of its own with --host`);
  return error;
}
