/**
 * Server-sent events read with fetch, because EventSource cannot send the admin token.
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
import { request } from './client.ts';

export interface ServerEvent {
  id: string | null;
  data: string;
}

/** Collects the lines of a stream, which may be cut anywhere, into events. */
export function createEventParser(onEvent: (event: ServerEvent) => void): (chunk: string) => void {
  let rest = '';
  let id: string | null = null;
  let data: string[] = [];
  return (chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) onEvent({ id, data: data.join('\n') });
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
      else if (line.startsWith('id:')) id = line.slice(3).trim();
    }
  };
}

export interface FollowOptions {
  signal: AbortSignal;
  lastEventId?: string;
  onEvent(event: ServerEvent): void;
  /** After each connection and each loss of it. */
  onConnection(connected: boolean): void;
}

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 15_000;

/** Follows a stream until `signal` aborts; comes back after a loss, from the last event seen. */
export async function followStream(path: string, options: FollowOptions): Promise<void> {
  const { signal, onConnection } = options;
  let lastEventId = options.lastEventId ?? null;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = lastEventId === null ? {} : { 'last-event-id': lastEventId };
      const response = await request(path, { signal, headers });
      onConnection(true);
      retryMs = FIRST_RETRY_MS;
      const parse = createEventParser((event) => {
        lastEventId = event.id ?? lastEventId;
        try {
          options.onEvent(event);
        } catch (error) {
          // A message that this page does not know (an older page, a newer coordinator) must not end the stream.
          console.warn(`${path}: a message was left out: ${(error as Error).message}`);
        }
      });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      for (let part = await reader.read(); !part.done; part = await reader.read())
        parse(decoder.decode(part.value, { stream: true }));
    } catch (error) {
      if (signal.aborted) return;
      console.warn(`${path}: ${(error as Error).message}`);
    }
    onConnection(false);
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
  }
}
