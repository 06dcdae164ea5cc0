/**
 * A limit on the size of MQTT frames, in front of the broker. An MQTT frame declares its length in its first bytes and
 * the broker's parser keeps all of it in memory before anyone has been authenticated: 20 sockets that each declare
 * 200 MB suffice to fill a small machine. Here a frame that declares too much closes its connection at once.
 */
import { Duplex } from 'node:stream';

/** Enough for a CONNECT with user name, password and a will. */
export const MAX_FRAME_BYTES_BEFORE_LOGIN = 4 * 1024;

/** A stream for the broker that passes bytes to and from `socket` and breaks it off at a frame that is too long. */
export class FrameLimitedStream extends Duplex {
  readonly #socket: Duplex;
  readonly #scanner = new FrameScanner();

  constructor(socket: Duplex) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** The client has proved who it is: frames may be this long from now on. */
  allow(maxFrameBytes: number): void {
    this.#scanner.maxFrameBytes = maxFrameBytes;
  }

  #receive(chunk: Buffer): void {
    const problem = this.#scanner.scan(chunk);
    if (problem) this.destroy(new Error(problem));
    else if (!this.push(chunk)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** The broker writes a packet in several pieces: one write to the socket for all of them. */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

/** Follows the frames in a byte stream without keeping them: one byte of type, one to four of length, the rest. */
export class FrameScanner {
  maxFrameBytes = MAX_FRAME_BYTES_BEFORE_LOGIN;
  #state: 'type' | 'length' | 'body' = 'type';
  #length = 0;
  #lengthBytes = 0;

  /** @returns what is wrong with the bytes, or null */
  scan(chunk: Uint8Array): string | null {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state === 'body') {
        const skipped = Math.min(this.#length, chunk.length - at);
        at += skipped;
        this.#length -= skipped;
        if (this.#length === 0) this.#state = 'type';
      } else if (this.#state === 'type') {
        at++;
        this.#state = 'length';
        this.#length = 0;
        this.#lengthBytes = 0;
      } else {
        const byte = chunk[at++] as number;
        this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes++);
        if (this.#length > this.maxFrameBytes)
          return `a frame of ${this.#length} bytes or more was declared; at most ${this.maxFrameBytes} are allowed here`;
        if (byte < 0x80) this.#state = this.#length === 0 ? 'type' : 'body';
        else if (this.#lengthBytes === 4) return 'the length of a frame is malformed';
      }
    }
    return null;
  }
}
