/**
 * One HTTP request by `node:http`: to a server of authorities' trust, or of one pinned key. Node's own fetch takes no
 * connections but its own, and the first use of it takes 14 MB of memory for good, which is much on a board.
 */
import { request as requestPlain } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { connectPinned, withoutBrackets } from './pinned-tls.ts';

export interface HttpRequest {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal | undefined;
  /** Public key of the server as publicKeyPin gives it; the URL must be https. */
  pin?: string | undefined;
}

export interface HttpAnswer {
  status: number;
  ok: boolean;
  headers: [name: string, value: string][];
  /** To be read, or destroyed. */
  body: Readable;
  /** The body, read whole. @throws {SyntaxError} */
  json(): Promise<unknown>;
}

/** A server that says nothing for so long is given up. */
const IDLE_MS = 300_000;

/**
 * Redirects are not followed.
 * @throws {WrongKeyError} @throws {Error} where nobody answers
 */
export async function requestHttp(url: URL, { pin, body, ...options }: HttpRequest = {}): Promise<HttpAnswer> {
  if (pin !== undefined && url.protocol !== 'https:')
    throw new Error(`a public key is pinned, and ${url.origin} is not encrypted: it must begin with https://`);
  const port = Number(url.port || 443);
  const socket =
    pin === undefined ? null : await connectPinned({ host: withoutBrackets(url.hostname), port, pin }, options.signal);
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const connection = socket ? { createConnection: () => socket } : { agent: false as const };
    const sent = request(url, { ...options, ...connection }, (message) => {
      const status = message.statusCode as number;
      const headers = Object.entries(message.headersDistinct).flatMap(([name, values]) =>
        (values ?? []).map((value): [string, string] => [name, value]),
      );
      resolve({ status, ok: status >= 200 && status < 300, headers, body: message, json: () => json(message) });
    });
    // As an option it would not count on a connection that is there already.
    sent.setTimeout(IDLE_MS, () => sent.destroy(new Error(`${url.host} has said nothing for ${IDLE_MS / 1000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
