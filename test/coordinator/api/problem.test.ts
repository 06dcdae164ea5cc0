/** Which status and words an error of the parts below becomes. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loggerTo, sentenceOf } from '@edgetune/shared/log/logger.ts';
import { Hono } from 'hono';
import { answerProblem, HttpProblem } from '../../../coordinator/api/problem.ts';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { ShutdownError } from '../../../coordinator/lifecycle/shutdown-error.ts';
import { explainWriteError } from '../../../coordinator/store/write-error.ts';

async function answerTo(error: unknown) {
  const log: string[] = [];
  const app = new Hono();
  app.post('/studies', () => {
    throw error;
  });
  app.onError((thrown, context) =>
    answerProblem(
      thrown,
      context,
      loggerTo((record) => log.push(sentenceOf(record))),
    ),
  );
  const response = await app.request('/studies', { method: 'POST' });
  return { status: response.status, body: (await response.json()) as { error: string }, log };
}

it('a disk that is full is told to whoever asked, and to the log', async () => {
  const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
  const { status, body, log } = await answerTo(explainWriteError(full, '/data/edgetune.db'));
  assert.equal(status, 507);
  assert.match(body.error, /^the disk is full: \/data\/edgetune.db could not be written\. Free some space/);
  assert.match(log.join(), /POST \/studies: the disk is full/);
});

for (const [because, status] of [
  ['quota', 507],
  ['not-allowed', 503],
  ['refused', 503],
  ['locked', 503],
  ['closed', 503],
] as const)
  it(`what could not be written (${because}) is ${status}`, async () => {
    const answer = await answerTo(new NotWrittenError(because, 'why and what to do'));
    assert.deepEqual([answer.status, answer.body], [status, { error: 'why and what to do' }]);
  });

it('a coordinator that ends makes no mistake', async () => {
  const { status, body, log } = await answerTo(new ShutdownError());
  assert.deepEqual([status, log], [503, []]);
  assert.deepEqual(body, { error: 'the coordinator ends', hint: 'ask again when it has started' });
});

it('what a route refuses is no matter for the log', async () => {
  const { status, log } = await answerTo(new HttpProblem(404, 'there is none'));
  assert.deepEqual([status, log], [404, []]);
});

it('what nobody foresaw says nothing of our insides, and all to the log', async () => {
  const { status, body, log } = await answerTo(new TypeError('x is not a function'));
  assert.deepEqual([status, body], [500, { error: 'the coordinator made a mistake: its log says more' }]);
  assert.match(log.join(), /x is not a function/);
});
