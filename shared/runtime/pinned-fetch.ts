/** `fetch` to a server whose public key is pinned: Node's own takes no connections but its own. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { Readable } from 'node:stream';
import { connectPinned, withoutBrackets } from './pinned-tls.ts';

export interface FetchOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
}
export type Fetch = (url: URL, options?: FetchOptions) => Promise<Response>;

/**
 * Node's own fetch where there is no pin. With one, the URL must be https, and redirects are not followed.
 * @param pin as publicKeyPin gives it
 */
export function fetchPinned(pin: string | undefined): Fetch {
  return pin === undefined ? fetch : (url, options) => answerOf(url, pin, options);
}

const NO_BODY = [204, 205, 304];

async function answerOf(url: URL, pin: string, { method, headers, body, signal }: FetchOptions = {}) {
  if (url.protocol !== 'https:')
    throw new Error(`a public key is pinned, and ${url.origin} is not encrypted: it must begin with https://`);
  const socket = await connectPinned(
    { host: withoutBrackets(url.hostname), port: Number(url.port || 443), pin },
    signal,
  );
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { method, headers, signal, createConnection: () => socket };
    request(url, options, resolve).once('error', reject).end(body);
  });
  const status = message.statusCode as number;
  const fields = Object.entries(message.headersDistinct).flatMap(([name, values]) =>
    (values ?? []).map((value): [string, string] => [name, value]),
  );
  if (NO_BODY.includes(status)) message.resume();
  return new Response(NO_BODY.includes(status) ? null : (Readable.toWeb(message) as ReadableStream), {
    status,
    headers: fields,
  });
}
