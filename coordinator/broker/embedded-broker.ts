/**
 * The embedded MQTT broker: aedes with every hook set (its own defaults allow everything), frames limited, sessions
 * kept nowhere (both sides say anew what they need after each connect), and denied messages dropped instead of answered
 * by a disconnect, after which a client would send them again for ever.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import { Aedes, type Client } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { COORDINATOR_USER, mayReceive, maySubscribe, publishRefusal } from './access.ts';
import { FailedLogins } from './failed-logins.ts';
import { FrameLimitedStream } from './frame-limit.ts';
import { quietLog } from './quiet-log.ts';

export interface EmbeddedBrokerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Encrypts with it; absent: no encryption. */
  tls?: { cert: string; key: string; pin: string };
  /** Whether the device is in the fleet: what one says that was removed, its last will too, is dropped. */
  hasDevice(deviceId: string): boolean;
  verifyCredential(deviceId: string, credential: string): boolean;
  log: Logger;
  maxConnections?: number;
}

export interface EmbeddedBroker {
  /** For the coordinator's own client, and for agents on this machine. */
  url: string;
  port: number;
  /** With these the coordinator logs in; the password is made anew at each start and never leaves the process. */
  coordinator: { username: string; password: string; pin?: string };
  /** Serves MQTT over WebSocket under /mqtt on the HTTP server's port. */
  attachWebSocket(server: HttpServer): void;
  /** Ends the sessions of a device whose credential no longer holds, a moment after what was sent to it. */
  disconnect(deviceId: string): void;
  close(): Promise<void>;
}

/** Topic, user names and a header of five bytes come on top of the payload. */
const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 1024;
const MAX_CONNECTIONS = 4096;
/** Sockets that have not logged in yet, all addresses together: they bound the memory that strangers can take. */
const MAX_STRANGERS = 256;
const CONNECT_TIMEOUT_MS = 10_000;
const DISCONNECT_DELAY_MS = 1000;
/** No one may subscribe to it: what is denied goes there to vanish. */
const NOWHERE = 'edgetune/denied';

/** @throws {Error} where the port is in use */
export async function startBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { hasDevice, verifyCredential, tls, maxConnections = MAX_CONNECTIONS } = options;
  const log = quietLog(options.log);
  const secret = randomBytes(32).toString('base64url');
  const failedLogins = new FailedLogins();
  const strangers = new Set<FrameLimitedStream>();
  const connections = new Set<FrameLimitedStream>();
  const timers = new Set<NodeJS.Timeout>();

  const aedes = await Aedes.createBroker({
    id: 'edgetune',
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: 600,
    maxTopicLevels: 8,
    preConnect(_client, packet, done) {
      packet.clean = true;
      done(null, true);
    },
    authenticate(client, username, password, done) {
      const problem = loginProblem(client, username, password?.toString('utf8'));
      if (problem) done(Object.assign(new Error(problem.message), { returnCode: problem.returnCode }), false);
      else done(null, true);
    },
    authorizePublish(client, packet, done) {
      // A will outlives its client: then the packet says whose it was.
      const user = client?.id ?? (packet as { clientId?: string }).clientId ?? '';
      const known = user === COORDINATOR_USER || hasDevice(user);
      const refusal = known
        ? publishRefusal(user, { ...packet, payload: packet.payload, retain: packet.retain ?? false })
        : 'it is not a device of this fleet';
      if (refusal) {
        log.warn(`broker: dropped a message of ${user} on ${JSON.stringify(packet.topic.slice(0, 100))}: ${refusal}`);
        Object.assign(packet, { topic: NOWHERE, payload: Buffer.alloc(0), retain: false });
      }
      done(null);
    },
    authorizeSubscribe(client, subscription, done) {
      if (maySubscribe(client.id, subscription.topic)) return done(null, subscription);
      log.warn(`broker: ${client.id} may not subscribe to ${JSON.stringify(subscription.topic.slice(0, 100))}`);
      done(null, null);
    },
    authorizeForward: (client, packet) => (mayReceive(client.id, packet.topic) ? packet : null),
    published: (_packet, _client, done) => done(null),
  });

  function loginProblem(client: Client, username: string | undefined, password: string | undefined) {
    if (!username || password === undefined) return { returnCode: 4, message: 'user name or password missing' };
    if (client.id !== username) return { returnCode: 2, message: 'the client id is not the user name' };
    if (username === COORDINATOR_USER && equal(password, secret)) return null;
    const key = `${addressOf(client)} ${hasDevice(username) ? username : ''}`;
    if (failedLogins.isBlocked(key)) return { returnCode: 3, message: 'too many failed logins: wait a minute' };
    if (verifyCredential(username, password)) return null;
    const count = failedLogins.add(key);
    if (count === 1)
      log.warn(`broker: login of ${JSON.stringify(username.slice(0, 40))} from ${addressOf(client)} refused`);
    return { returnCode: 5, message: 'not a device of this fleet, or a wrong credential' };
  }

  aedes.on('connackSent', (connack, client) => {
    if (connack.returnCode !== 0) return;
    const stream = client.conn as FrameLimitedStream;
    strangers.delete(stream);
    stream.allow(MAX_FRAME_BYTES);
  });
  // A persistence or the emitter failed: aedes reports it so, its types leave it out.
  (aedes as EventEmitter).on('error', (error: Error) => log.error('broker: it has a fault', { error }));
  aedes.on('clientError', (client, error) => log.warn(`broker: the connection of ${client.id}`, { error }));
  aedes.on('connectionError', (_client, error) => log.warn('broker: a connection was closed', { error }));

  function accept(socket: Duplex, request?: IncomingMessage): void {
    if (connections.size >= maxConnections || strangers.size >= MAX_STRANGERS) {
      log.warn(`broker: refused a connection: ${connections.size} are open, ${strangers.size} of them not logged in`);
      socket.destroy();
      return;
    }
    const stream = new FrameLimitedStream(socket);
    connections.add(stream);
    strangers.add(stream);
    stream.once('close', () => {
      connections.delete(stream);
      strangers.delete(stream);
    });
    addresses.set(stream, (request?.socket ?? (socket as Socket)).remoteAddress ?? 'unknown');
    aedes.handle(stream, request);
  }

  const server = tls
    ? createTlsServer({ cert: tls.cert, key: tls.key, noDelay: true, handshakeTimeout: CONNECT_TIMEOUT_MS }, accept)
    : createServer({ noDelay: true }, (socket) => accept(socket));
  // With TLS a connection is accepted after its handshake; these are all.
  const sockets = new Set<Socket>();
  server.maxConnections = maxConnections + MAX_STRANGERS;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await listen(server, options).catch((error: Error) => {
    aedes.close();
    throw error;
  });
  server.on('error', (error) => log.error('broker: it has a fault', { error }));
  const { port } = server.address() as AddressInfo;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
  });

  return {
    url: `${tls ? 'mqtts' : 'mqtt'}://${urlHost(options.host)}:${port}`,
    port,
    coordinator: { username: COORDINATOR_USER, password: secret, ...(tls ? { pin: tls.pin } : {}) },
    attachWebSocket(http) {
      http.on('upgrade', (request, socket, head) => {
        if (request.url?.split('?')[0] !== '/mqtt') {
          if (http.listenerCount('upgrade') === 1) socket.destroy();
          return;
        }
        // Only pages send an Origin, and no page has business here.
        if (request.headers.origin !== undefined) {
          socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
          return;
        }
        webSockets.handleUpgrade(request, socket, head, (webSocket) =>
          accept(createWebSocketStream(webSocket), request),
        );
      });
    },
    disconnect(deviceId) {
      const streams = [...connections].filter((stream) => clientIdOf(stream) === deviceId);
      const timer = setTimeout(() => {
        timers.delete(timer);
        for (const stream of streams) stream.destroy();
      }, DISCONNECT_DELAY_MS);
      timers.add(timer);
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      webSockets.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const stream of connections) stream.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const addresses = new WeakMap<object, string>();

function addressOf(client: Client): string {
  return addresses.get(client.conn) ?? 'unknown';
}

function clientIdOf(stream: FrameLimitedStream): string | undefined {
  return (stream as { client?: Client }).client?.id;
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The address under which the broker is reached from this machine. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`the MQTT port ${port} on ${host} is in use: stop what uses it, or choose another port`, {
              cause: error,
            })
          : error,
      );
    });
    server.listen(port, host, () => resolve());
  });
}
