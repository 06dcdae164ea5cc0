import assert from 'node:assert/strict';
import { it } from 'node:test';
import { QUERIES_PER_RATE, RateNotFoundError } from '@edgetune/shared/domain/rate-search.ts';
import { stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { playRealLoad } from '../../../../agent/measure/window/real-load.ts';

const play = (p99BoundMs: number, onWindow = () => {}) =>
  playRealLoad(async () => undefined, {
    scenario: { kind: 'server', p99BoundMs, batchingWindowMs: 0 },
    batchSize: 4,
    // Never reached: on a machine that is busy with other things a run of so many queries takes a second or two.
    stopRule: stopRuleSchema.parse({ minDurationMs: 0, minRuns: 1, maxDurationMs: 600_000 }),
    seed: 1,
    onWindow,
  });

it('searches the highest rate before the window, and measures it in the window', async () => {
  let windows = 0;
  const { latenciesMs, samples, stopReason } = await play(1e6, () => {
    windows += 1;
  });
  assert.ok(windows >= 1);
  assert.ok(latenciesMs.length >= QUERIES_PER_RATE && samples === latenciesMs.length);
  assert.equal(stopReason, 'converged');
});

it('refuses a bound that nothing can keep', async () => {
  await assert.rejects(play(1e-9), RateNotFoundError);
});
