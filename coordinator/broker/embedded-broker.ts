/**
 * The embedded MQTT broker: aedes with every hook set (its own defaults allow everything), frames limited, sessions
 * kept nowhere (both sides say anew what they need after each connect), and denied messages dropped instead of answered
 * by a disconnect, after which a client would send them again for ever.
 */
import type { EventEmitter } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { Aedes, type AedesOptions } from 'aedes';
import { COORDINATOR_USER, mayReceive, maySubscribe, publishRefusal } from './access.ts';
import { Connections, MAX_FRAME_BYTES, MAX_STRANGERS } from './connections.ts';
import { listenTcp } from './listen-tcp.ts';
import { Logins } from './logins.ts';
import { quietLog } from './quiet-log.ts';
import { mqttOverWebSocket } from './web-socket.ts';

export interface EmbeddedBrokerOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Encrypts with it; absent: no encryption. */
  tls?: { cert: string; key: string; pin: string };
  /** Whether the device is in the fleet: what one says that was removed, its last will too, is dropped. */
  hasDevice(deviceId: string): boolean;
  verifyCredential(deviceId: string, credential: string): boolean;
  /** Somebody wants to log in as a device that is not in the fleet. */
  onStranger?(deviceId: string): void;
  log: Logger;
  maxConnections?: number;
  /** How many connections of one address may be open that have not logged in. */
  strangersPerAddress?: number;
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

const MAX_CONNECTIONS = 4096;
const CONNECT_TIMEOUT_MS = 10_000;
/** No one may subscribe to it: what is denied goes there to vanish. */
const NOWHERE = 'edgetune/denied';

/** @throws {Error} where the port is in use */
export async function startBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { hasDevice, verifyCredential, onStranger, host, tls, maxConnections = MAX_CONNECTIONS } = options;
  const log = quietLog(options.log);
  const logins = new Logins({ hasDevice, verifyCredential, ...(onStranger ? { onStranger } : {}), log });
  const connections: Connections = new Connections({
    max: maxConnections,
    ...(options.strangersPerAddress === undefined ? {} : { strangersPerAddress: options.strangersPerAddress }),
    handle: (stream, request) => void aedes.handle(stream, request),
    log,
  });
  const aedes = await Aedes.createBroker({
    id: 'edgetune',
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepaliveLimit: 600,
    maxTopicLevels: 8,
    ...loginHooks(logins, connections),
    ...messageHooks(hasDevice, log),
  });
  aedes.on('connackSent', (connack, client) => {
    if (connack.returnCode === 0) connections.loggedIn(client);
  });
  // A persistence or the emitter failed: aedes reports it so, its types leave it out.
  (aedes as EventEmitter).on('error', (error: Error) => log.error('broker: it has a fault', { error }));
  aedes.on('clientError', (client, error) => log.warn(`broker: the connection of ${client.id}`, { error }));
  aedes.on('connectionError', (_client, error) => log.warn('broker: a connection was closed', { error }));

  const tcp = await listenTcp({
    host,
    port: options.port,
    ...(tls ? { tls: { cert: tls.cert, key: tls.key } } : {}),
    handshakeTimeoutMs: CONNECT_TIMEOUT_MS,
    maxConnections: maxConnections + MAX_STRANGERS,
    admit: (socket) => connections.admit(socket),
    accept: (socket, leave) => connections.accept(socket, leave),
    onError: (error) => log.error('broker: it has a fault', { error }),
  }).catch((error: Error) => {
    aedes.close();
    throw error;
  });
  const webSockets = mqttOverWebSocket(MAX_FRAME_BYTES, (socket, request) =>
    connections.acceptWebSocket(socket, request),
  );

  return {
    url: `${tls ? 'mqtts' : 'mqtt'}://${urlHost(host)}:${tcp.port}`,
    port: tcp.port,
    coordinator: { username: COORDINATOR_USER, password: logins.secret, ...(tls ? { pin: tls.pin } : {}) },
    attachWebSocket: (server) => webSockets.attach(server),
    disconnect: (deviceId) => connections.disconnect(deviceId),
    async close() {
      const closed = tcp.close();
      webSockets.close();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      connections.close();
      tcp.endAll();
      await closed;
    },
  };
}

function loginHooks(logins: Logins, connections: Connections): AedesOptions {
  return {
    preConnect(_client, packet, done) {
      packet.clean = true;
      done(null, true);
    },
    authenticate(client, username, password, done) {
      const address = connections.addressOf(client);
      const problem = logins.problem({ clientId: client.id, address, username, password: password?.toString('utf8') });
      if (problem) done(Object.assign(new Error(problem.message), { returnCode: problem.returnCode }), false);
      else done(null, true);
    },
  };
}

function messageHooks(hasDevice: (deviceId: string) => boolean, log: Logger): AedesOptions {
  return {
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
  };
}

/** The address under which the broker is reached from this machine. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
