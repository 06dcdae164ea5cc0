/** HTTP requests of a test. */
import { deadline } from './waiting.ts';

/** `fetch`, whose answer, its body too, is there in time. @param seconds more than usual where a process is started for it */
export function ask(url: URL | string, init: RequestInit = {}, seconds?: number): Promise<Response> {
  return fetch(url, { ...init, signal: deadline(`the answer to ${init.method ?? 'GET'} ${url}`, seconds) });
}
