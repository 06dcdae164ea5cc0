/** When a window ends. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { stopper } from '../../../../agent/measure/window/stopper.ts';

const rule = (change = {}) =>
  stopRuleSchema.parse({ minRuns: 3, minDurationMs: 100, maxRuns: 10, maxDurationMs: 1000, ...change });
const runs = (count: number) => new Array<number>(count).fill(1);

it('at both minima, where no precision is asked for', () => {
  const stop = stopper(rule());
  assert.equal(stop(runs(2), 100), null);
  assert.equal(stop(runs(3), 99), null);
  assert.equal(stop(runs(3), 100), 'min-reached');
});

it('at either maximum, the runs first', () => {
  for (const [count, elapsedMs, reason] of [
    [9, 99, null],
    [10, 99, 'max-runs'],
    [2, 999, null],
    [2, 1000, 'max-duration'],
    [10, 1000, 'max-runs'],
  ] as const)
    assert.equal(stopper(rule({ minRuns: 100 }))(runs(count), elapsedMs), reason);
});

it('when the median is known closely enough, looked at again after a quarter more runs', () => {
  const spread = Array.from({ length: 100 }, (_, index) => 1 + (index % 2));
  const looked = stopper(rule({ minRuns: 8, maxRuns: 1000, medianPrecision: 0.01 }));
  assert.equal(looked(spread.slice(0, 8), 100), null);
  assert.equal(looked(runs(9), 100), null, 'not looked at');
  assert.equal(looked(runs(10), 100), 'converged');
  const before = stopper(rule({ minRuns: 8, maxRuns: 1000, medianPrecision: 0.01 }));
  assert.equal(before(runs(7), 100), null);
  assert.equal(before(runs(8), 100), 'converged');
});
