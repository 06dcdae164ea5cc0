/** HTTP requests of a test. */
import { deadline } from './waiting.ts';

/** `fetch`, whose answer, its body too, is there in time. */
export function ask(url: URL | string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, { ...init, signal: deadline(`the answer to ${init.method ?? 'GET'} ${url}`) });
}
