import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TopKScheduler } from '../../../../coordinator/tuner/schedulers/top-k.ts';
import { observed } from '../../../support/observations.ts';

const OPTIONS = { levels: 2, reductionFactor: 3, objectives: 1, synchronous: false, costAware: false };
const open = { canStart: true, outstanding: 0 };
const closed = { canStart: false, outstanding: 0 };

/** A scheduler with trials of these losses told, and how to tell more. */
function schedulerWith(...losses: number[]) {
  const scheduler = new TopKScheduler(OPTIONS);
  const tell = (trialId: number, change: Parameters<typeof observed>[0]) => {
    scheduler.asked(trialId, 0);
    scheduler.told(observed({ trialId, ...change }), 0);
  };
  for (const [trialId, loss] of losses.entries()) tell(trialId, { losses: [loss] });
  return { scheduler, tell };
}

test('all start before the best third goes on, when all are told', () => {
  const { scheduler } = schedulerWith(5, 3, 4, 1, 2, 6);
  assert.deepEqual(scheduler.next(open), { kind: 'start', bracket: 0 });
  scheduler.asked(6, 0);
  assert.deepEqual(scheduler.next(closed), { kind: 'wait' });
  scheduler.told(observed({ trialId: 6, losses: [9] }), 0);
  for (const trialId of [3, 4]) {
    assert.deepEqual(scheduler.next(closed), { kind: 'promote', trialId });
    scheduler.asked(trialId, 1);
  }
  assert.deepEqual(scheduler.next(closed), { kind: 'wait' });
  scheduler.told(observed({ trialId: 3, level: 1, losses: [0] }), 1);
  assert.deepEqual(scheduler.next(closed), { kind: 'wait' });
});

test('who goes on is settled by the first: nothing starts any more, nothing amended changes it', () => {
  const { scheduler } = schedulerWith();
  const all = [1, 2, 3, 4, 5, 6].map((loss, trialId) => observed({ trialId, losses: [loss] }));
  for (const each of all) {
    scheduler.asked(each.trialId, 0);
    scheduler.told(each, 0);
  }
  const [best, last] = [all[0], all[5]] as [(typeof all)[number], (typeof all)[number]];
  scheduler.amended(last, { ...last, losses: [0] }, 0);
  assert.deepEqual(scheduler.next(closed), { kind: 'promote', trialId: 5 });
  scheduler.asked(5, 1);
  scheduler.amended(best, { ...best, losses: [9] }, 0);
  scheduler.amended(observed({ trialId: 5, level: 1 }), observed({ trialId: 5, level: 1, losses: [7] }), 1);
  assert.deepEqual(scheduler.next(open), { kind: 'promote', trialId: 0 });
});

test('of fewer than three one goes on, the first that may; where none may nothing does', () => {
  const { scheduler, tell } = schedulerWith();
  tell(0, { losses: [1], violation: 2, status: 'infeasible' });
  tell(1, { losses: [9], violation: 3 });
  assert.deepEqual(scheduler.next(closed), { kind: 'promote', trialId: 1 });
  const hopeless = schedulerWith();
  hopeless.tell(0, { losses: [], violation: Infinity, status: 'failed' });
  assert.deepEqual(hopeless.scheduler.next(closed), { kind: 'wait' });
});
