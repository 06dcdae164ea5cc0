/** A file, or a range of it, as an answer. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Context } from 'hono';

export interface FileAnswer {
  status?: 200 | 206;
  headers: Record<string, string>;
  /** First and last byte; absent: all. */
  range?: { start: number; end: number };
}

export function fileAnswer(context: Context, path: string, { status = 200, headers, range }: FileAnswer): Response {
  // To HEAD hono sends the headers only: nobody would read the file, nor close it.
  if (context.req.method === 'HEAD') return context.body(null, status, headers);
  return context.body(Readable.toWeb(createReadStream(path, range)) as ReadableStream, status, headers);
}
