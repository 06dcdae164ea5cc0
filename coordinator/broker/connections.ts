/** The embedded broker's connections: limited in number and frame size, and known by address and device. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import { MAX_MESSAGE_BYTES } from '@edgetune/shared/protocol/messages.ts';
import type { Client } from 'aedes';
import { FrameLimitedStream } from './frame-limit.ts';

/** Topic, user names and a header of five bytes come on top of the payload. */
export const MAX_FRAME_BYTES = MAX_MESSAGE_BYTES + 1024;
/** Sockets that have not logged in yet, all addresses together: they bound the memory that strangers can take. */
export const MAX_STRANGERS = 256;
const DISCONNECT_DELAY_MS = 1000;

export interface ConnectionsOptions {
  max: number;
  /** Gives a connection to the broker. */
  handle(stream: Duplex, request?: IncomingMessage): void;
  log: Logger;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Set<FrameLimitedStream>();
  readonly #strangers = new Set<FrameLimitedStream>();
  readonly #addresses = new WeakMap<object, string>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** @param request where the connection came over HTTP, as a WebSocket */
  accept(socket: Duplex, request?: IncomingMessage): void {
    const { max, handle, log } = this.#options;
    if (this.#open.size >= max || this.#strangers.size >= MAX_STRANGERS) {
      log.warn(
        `broker: refused a connection: ${this.#open.size} are open, ${this.#strangers.size} of them not logged in`,
      );
      socket.destroy();
      return;
    }
    const stream = new FrameLimitedStream(socket);
    this.#open.add(stream);
    this.#strangers.add(stream);
    stream.once('close', () => {
      this.#open.delete(stream);
      this.#strangers.delete(stream);
    });
    this.#addresses.set(stream, (request?.socket ?? (socket as Socket)).remoteAddress ?? 'unknown');
    handle(stream, request);
  }

  /** From here on its frames may be as long as messages are. */
  loggedIn(client: Client): void {
    const stream = client.conn as FrameLimitedStream;
    this.#strangers.delete(stream);
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
