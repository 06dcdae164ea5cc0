/** Live data as server-sent events; a client that was away goes on after the last event that it saw. */
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import {
  type OverviewStreamMessage,
  overviewStreamMessageSchema,
  studyStreamMessageSchema,
} from '@edgetune/shared/protocol/http.ts';
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { z } from 'zod';
import type { Fleet } from '../fleet/fleet.ts';
import type { StudyService } from '../study/study-service.ts';
import { declared, type Routes } from './routes.ts';
import { studyNamed, studyParams } from './study-routes.ts';

const HEARTBEAT_MS = 15_000;
/** Events are read from the store in pages of so many. */
const PAGE = 1000;
/** A client that reads slower than things happen is let go when so many messages wait; it comes back and catches up. */
const MOST_WAITING = 10_000;

/** The number of an event of a study. */
const seq = z.coerce.number().int().min(0);

export function streamRoutes(routes: Routes, { fleet, studies }: { fleet: Fleet; studies: StudyService }): void {
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/studies/{id}/stream',
      summary: 'Events as they happen',
      request: {
        params: studyParams,
        query: z.object({ after: seq.default(0) }),
        headers: z.object({ 'last-event-id': seq.optional() }),
      },
      responses: { 200: events(studyStreamMessageSchema, 'Each event as the data of a message, its number as the id') },
    }),
    (c) => {
      const last = c.req.valid('header')['last-event-id'] ?? c.req.valid('query').after;
      return studyStream(c, studies, studyNamed(studies, c.req.valid('param')).id, last);
    },
  );
  routes.openapi(
    declared({
      method: 'get',
      path: '/api/stream',
      summary: 'Changes of the fleet and of studies',
      responses: { 200: events(overviewStreamMessageSchema, 'First what there is, then what changes') },
    }),
    (c) => overviewStream(c, fleet, studies),
  );
}

function events<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'text/event-stream': { schema } } } as const;
}

/** @param last number of the last event that the client saw */
function studyStream(context: Context, studies: StudyService, id: string, last: number): Response {
  return streamSSE(context, async (stream) => {
    const messageOf = (event: StudyEvent) => ({ id: String(event.seq), data: JSON.stringify(event) });
    // What has happened already, page by page, as fast as the client reads it; then what happens.
    for (let page = studies.events(id, last, PAGE); page.length === PAGE; page = studies.events(id, last, PAGE)) {
      for (const event of page) await stream.writeSSE(messageOf(event));
      last = page.at(-1)?.seq ?? last;
      if (stream.aborted) return;
    }
    await follow(stream, (push) => {
      const send = (event: StudyEvent) => {
        if (event.seq <= last) return;
        last = event.seq;
        push(messageOf(event));
      };
      const end = studies.subscribe(id, send);
      try {
        studies.events(id, last, MOST_WAITING).forEach(send);
        return end;
      } catch (error) {
        end();
        throw error;
      }
    });
  });
}

function overviewStream(context: Context, fleet: Fleet, studies: StudyService): Response {
  return streamSSE(context, (stream) =>
    follow(stream, (push) => {
      const send = (message: OverviewStreamMessage) => push({ data: JSON.stringify(message) });
      const ends = [fleet.subscribe(send), studies.subscribeAll(send)];
      for (const device of fleet.devices()) send({ type: 'device', device });
      send({ type: 'strangers', strangers: fleet.strangers() });
      for (const study of studies.list()) send({ type: 'study', study });
      return () => {
        for (const end of ends) end();
      };
    }),
  );
}

interface Message {
  id?: string;
  data: string;
}

/** Writes what is pushed, in order, until the client goes. */
async function follow(
  stream: SSEStreamingApi,
  subscribe: (push: (message: Message) => void) => () => void,
): Promise<void> {
  const waiting: Message[] = [];
  let wake = () => {};
  let open = true;
  const push = (message: Message) => {
    waiting.push(message);
    if (waiting.length > MOST_WAITING) open = false;
    wake();
  };
  const end = subscribe(push);
  stream.onAbort(() => {
    open = false;
    wake();
  });
  const heartbeat = setInterval(() => void stream.write(': still here\n\n'), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    while (open) {
      const message = waiting.shift();
      if (message) await stream.writeSSE(message);
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    clearInterval(heartbeat);
    end();
  }
}
