/** The embedded broker's connections: limited in number and frame size, and known by address and device. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import type { Client } from 'aedes';
import { FrameLimitedStream } from './frame-limit.ts';
import { StrangerLimit } from './stranger-limit.ts';

/** Topic, user names and a header of five bytes come on top of the payload. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 1024;
/** Sockets that have not logged in yet, all addresses together: they bound the memory that strangers can take. */
export const MAX_STRANGERS = 256;
/** The same of one address: a site whose boards come back all at once has room, a stranger has not all of it. */
export const STRANGERS_PER_ADDRESS = 32;
const DISCONNECT_DELAY_MS = 1000;

export interface ConnectionsOptions {
  max: number;
  /** How many of one address may be open that have not logged in. */
  strangersPerAddress?: number;
  /** Gives a connection to the broker. */
  handle(stream: Duplex, request?: IncomingMessage): void;
  log: Logger;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Set<FrameLimitedStream>();
  readonly #strangers: StrangerLimit;
  /** Called when it has logged in: it is no stranger any more. */
  readonly #leaves = new WeakMap<object, () => void>();
  readonly #addresses = new WeakMap<object, string>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
    const { strangersPerAddress: perAddress = STRANGERS_PER_ADDRESS, log } = options;
    this.#strangers = new StrangerLimit({ perAddress, total: MAX_STRANGERS, log });
  }

  /**
   * A connection has been made, of which nothing is known yet, and whose handshake may be to come.
   * @returns what is called when it is gone; null: there is no room, and it is ended
   */
  admit(socket: Socket): (() => void) | null {
    const { max, log } = this.#options;
    const end = () => socket.destroy();
    if (this.#open.size >= max) {
      log.warn(`broker: refused a connection: ${this.#open.size} are open`);
      end();
      return null;
    }
    const leave = this.#strangers.admit(socket.remoteAddress ?? 'unknown', end);
    if (!leave) end();
    return leave;
  }

  /**
   * @param leave as `admit` gave it
   * @param request where the connection came over HTTP, as a WebSocket
   */
  accept(socket: Duplex, leave: () => void, request?: IncomingMessage): void {
    const stream = new FrameLimitedStream(socket);
    this.#open.add(stream);
    this.#leaves.set(stream, leave);
    stream.once('close', () => {
      this.#open.delete(stream);
      leave();
    });
    this.#addresses.set(stream, (request?.socket ?? (socket as Socket)).remoteAddress ?? 'unknown');
    this.#options.handle(stream, request);
  }

  /** A connection that came over HTTP. */
  acceptWebSocket(socket: Duplex, request: IncomingMessage): void {
    const leave = this.admit(request.socket);
    if (leave) this.accept(socket, leave, request);
    else socket.destroy();
  }

  /** From here on its frames may be as long as messages are. */
  loggedIn(client: Client): void {
    const stream = client.conn as FrameLimitedStream;
    this.#leaves.get(stream)?.();
    stream.allow(MAX_FRAME_BYTES);
  }

  addressOf(client: Client): string {
    return this.#addresses.get(client.conn) ?? 'unknown';
  }

  /** Ends those that a device has now, a moment after what was sent to it. */
  disconnect(deviceId: string): void {
    const streams = [...this.#open].filter((stream) => clientIdOf(stream) === deviceId);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const stream of streams) stream.destroy();
    }, DISCONNECT_DELAY_MS);
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const stream of this.#open) stream.destroy();
  }
}

/** Aedes writes the client that it makes of a stream beside it. */
function clientIdOf(stream: FrameLimitedStream): string | undefined {
  return (stream as { client?: Client }).client?.id;
}
