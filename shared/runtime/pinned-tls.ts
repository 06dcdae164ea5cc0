/**
 * TLS to a server that is known by its public key, and by nothing else: authorities, names and dates do not count, as with
 * `curl -k --pinnedpubkey`. Nothing is sent before the key has been compared.
 */
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { publicKeyPin } from './public-key-pin.ts';

export interface PinnedAddress {
  host: string;
  port: number;
  /** As publicKeyPin gives it. */
  pin: string;
}

/** Who answered has another key than the pinned one. */
export class WrongKeyError extends Error {
  override name = 'WrongKeyError';
  /** The mqtt client tells its user of errors that have one. */
  readonly code = 'ERR_WRONG_KEY';
  readonly shownPin: string;

  constructor({ host, port, pin }: PinnedAddress, shownPin: string) {
    super(
      `${host}:${port} shows the public key ${shownPin}, and ${pin} is trusted: either its key was replaced, and whoever trusts it must be told the new one ("edgetune device add NAME --renew" prints a board's line with it), or somebody else answers there`,
    );
    this.shownPin = shownPin;
  }
}

/** An IPv6 address as sockets want it, given the host of a URL. */
export const withoutBrackets = (hostname: string) => hostname.replace(/^\[(.*)\]$/, '$1');

/** A server that says nothing for so long, before the connection is made, is given up. */
const CONNECT_TIMEOUT_MS = 10_000;

/** An open connection. @throws {WrongKeyError} @throws {Error} where nobody answers, or without TLS */
export function connectPinned(address: PinnedAddress, signal?: AbortSignal): Promise<TLSSocket> {
  const { host, port, pin } = address;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const names = isIP(host) ? {} : { servername: host };
    const socket = connect({ host, port, ...names, rejectUnauthorized: false, timeout: CONNECT_TIMEOUT_MS });
    const onAbort = () => socket.destroy(signal?.reason as Error);
    const onTimeout = () =>
      socket.destroy(Object.assign(new Error(`${host}:${port} does not answer`), { code: 'ETIMEDOUT' }));
    const settle = (act: () => void) => {
      signal?.removeEventListener('abort', onAbort);
      socket.setTimeout(0, onTimeout).off('error', onError).off('close', onClose);
      act();
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(new Error(`${host}:${port} closed the connection`)));
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError).once('close', onClose).once('timeout', onTimeout);
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      const shown = certificate ? publicKeyPin(certificate.publicKey) : 'none';
      settle(() => {
        if (shown === pin) return resolve(socket);
        socket.destroy();
        reject(new WrongKeyError(address, shown));
      });
    });
  });
}

/**
 * The same as a stream that can be written to at once, for who must have one before it is connected.
 * @param url mqtts://HOST:PORT
 */
export function pinnedStream(url: string, pin: string): Duplex {
  const { protocol, hostname, port } = new URL(url);
  if (protocol !== 'mqtts:')
    throw new Error(`a public key is pinned, and ${url} is no address of MQTT over TLS: it must begin with mqtts://`);
  const address = { host: withoutBrackets(hostname), port: Number(port || 8883), pin };
  const givenUp = new AbortController();
  const connected = connectPinned(address, givenUp.signal);
  const stream = new Duplex({
    read: () => void connected.then((socket) => socket.resume(), ignore),
    write: (chunk: Buffer, _encoding, callback) =>
      void connected.then((socket) => socket.write(chunk, callback), callback),
    final: (callback) => void connected.then((socket) => socket.end(callback), callback),
    destroy(error, callback) {
      // Also while it connects, which it then stops doing.
      givenUp.abort();
      connected.then((socket) => socket.destroy(), ignore);
      callback(error);
    },
  });
  connected.then(
    (socket) =>
      socket
        .on('data', (chunk: Buffer) => stream.push(chunk) || socket.pause())
        .on('end', () => stream.push(null))
        .on('error', (error) => stream.destroy(error))
        .on('close', () => stream.destroy()),
    (error: Error) => stream.destroy(error),
  );
  return stream;
}

/** Whoever waits for the connection is told by the stream's own error. */
const ignore = () => {};
