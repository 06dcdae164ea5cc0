/** Live data of studies with long histories. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { OpenAPIHono } from '@hono/zod-openapi';
import { streamRoutes } from '../../../coordinator/api/streams.ts';
import type { Fleet } from '../../../coordinator/fleet/fleet.ts';
import type { StudyService } from '../../../coordinator/study/study-service.ts';
import { firstOf } from '../../support/waiting.ts';

const STREAM = '/api/studies/s/stream';

/** A study with so many events, to which more can be added. */
function studyWithEvents(count: number) {
  const event = (seq: number) => ({ seq, atMs: 0, body: { type: 'warning', message: 'm' } }) as unknown as StudyEvent;
  const events = Array.from({ length: count }, (_, index) => event(index + 1));
  const listeners = new Set<(event: StudyEvent) => void>();
  const studies = {
    find: (id: string) => ({ id }),
    events: (_id: string, after: number, limit: number) => events.slice(after, after + limit),
    subscribe: (_id: string, listener: (event: StudyEvent) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as StudyService;
  const add = () => {
    const added = event(events.length + 1);
    events.push(added);
    for (const listener of listeners) listener(added);
  };
  const app = new OpenAPIHono();
  streamRoutes(app, { fleet: {} as Fleet, studies });
  return { app, add, listeners };
}

async function* seqs(response: Response): AsyncGenerator<number> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() as string;
    for (const line of lines) if (line.startsWith('id:')) yield Number(line.slice(3));
  }
}

it('a study of any length is streamed whole, once and in order, and goes on with what happens', async () => {
  const count = 12_345;
  const { app, add, listeners } = studyWithEvents(count);
  let expected = 1;
  await firstOf('the event that is added', seqs(await app.request(STREAM)), (seq) => {
    assert.equal(seq, expected++);
    if (seq === count) add();
    return seq === count + 1;
  });
  assert.equal(expected, count + 2);
  assert.equal(listeners.size, 0, 'a client that went is not listened for');
});

it('a client goes on after the last event that it saw', async () => {
  const { app } = studyWithEvents(20);
  const received: number[] = [];
  const stream = seqs(await app.request(STREAM, { headers: { 'last-event-id': '17' } }));
  await firstOf('the last event', stream, (seq) => received.push(seq) && seq === 20);
  assert.deepEqual(received, [18, 19, 20]);
});
