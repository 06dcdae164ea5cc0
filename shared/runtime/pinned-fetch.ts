/** `fetch` to a server whose public key is pinned. */
import { Readable } from 'node:stream';
import { requestHttp } from './http-request.ts';

export interface FetchOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  signal?: AbortSignal;
}
export type Fetch = (url: URL, options?: FetchOptions) => Promise<Response>;

const NO_BODY = [204, 205, 304];

/**
 * Node's own fetch where there is no pin. With one, the URL must be https, and redirects are not followed.
 * @param pin as publicKeyPin gives it
 */
export function fetchPinned(pin: string | undefined): Fetch {
  if (pin === undefined) return fetch;
  return async (url, options) => {
    const { status, headers, body } = await requestHttp(url, { ...options, pin });
    if (NO_BODY.includes(status)) body.resume();
    return new Response(NO_BODY.includes(status) ? null : (Readable.toWeb(body) as ReadableStream), {
      status,
      headers,
    });
  };
}
