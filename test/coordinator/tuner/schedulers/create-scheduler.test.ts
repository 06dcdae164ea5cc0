import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCHEDULERS } from '../../../../coordinator/tuner/schedulers/all.ts';
import { createScheduler } from '../../../../coordinator/tuner/schedulers/create-scheduler.ts';
import { observed } from '../../../support/observations.ts';
import { problem } from '../../../support/tuning.ts';

/** The scheduler that this name stands for. */
function schedulerNamed(name: string, change: Parameters<typeof problem>[0] = {}, levels = 3) {
  const kind = SCHEDULERS.find((each) => each.name === name);
  assert.ok(kind, `a scheduler is named ${name}`);
  return createScheduler(kind, problem(change), levels, 1);
}

test('which scheduler a problem has', () => {
  const named = (...args: Parameters<typeof schedulerNamed>) => schedulerNamed(...args).constructor.name;
  assert.equal(named('auto'), 'AshaScheduler');
  assert.equal(named('auto', { synchronous: true }), 'HyperbandScheduler');
  assert.equal(named('asha', { synchronous: true }), 'HyperbandScheduler');
  assert.equal(named('asha'), 'AshaScheduler');
  assert.equal(named('hyperband'), 'HyperbandScheduler');
  assert.equal(named('successive-halving'), 'HyperbandScheduler');
  assert.equal(named('none'), 'NoScheduler');
  for (const { name } of SCHEDULERS) assert.equal(named(name, {}, 1), 'NoScheduler');
  assert.equal(named('auto', { settings: { mode: 'top-k-after-one-epoch' } }), 'TopKScheduler');
  assert.equal(named('auto', { settings: { mode: 'top-k-after-one-epoch' } }, 1), 'NoScheduler');
});

test('hyperband goes through the places of the ladder, successive halving stays at the lowest', () => {
  const places = (...args: Parameters<typeof schedulerNamed>) => {
    const scheduler = schedulerNamed(...args);
    return Array.from({ length: 7 }, (_, trialId) => {
      const step = scheduler.next({ canStart: true, outstanding: trialId });
      const bracket = step.kind === 'start' ? step.bracket : -1;
      scheduler.asked(trialId, 0, bracket);
      return bracket;
    });
  };
  assert.deepEqual(places('hyperband', {}, 2), [0, 0, 0, 1, 1, 0, 0]);
  assert.deepEqual(places('successive-halving', {}, 2), [0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(places('asha', { synchronous: true }, 2), [0, 0, 0, -1, -1, -1, -1]);
});

test('without a scheduler every trial starts at the top, which on a ladder of one place is the only one', () => {
  for (const levels of [3, 1]) {
    const scheduler = schedulerNamed('none', {}, levels);
    assert.deepEqual(scheduler.next({ canStart: true, outstanding: 0 }), { kind: 'start', bracket: levels - 1 });
    assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'wait' });
  }
});

test('rungs are sized by cost where that is wanted and nothing must be reproducible', () => {
  const promoted = (change: Parameters<typeof problem>[0]) => {
    const scheduler = schedulerNamed('asha', change, 2);
    for (let trialId = 0; trialId < 9; trialId++) {
      scheduler.asked(trialId, 0, 0);
      scheduler.told(observed({ trialId, losses: [trialId], cost: 1 }), 0);
    }
    let count = 0;
    for (;;) {
      const step = scheduler.next({ canStart: false, outstanding: 1 });
      if (step.kind !== 'promote') return count;
      scheduler.asked(step.trialId, 1, 0);
      scheduler.told(observed({ trialId: step.trialId, level: 1, losses: [0], cost: 9 }), 1);
      count++;
    }
  };
  // The first goes on by counting; then nine of cost 1 pay for one of cost 9.
  assert.equal(promoted({ settings: { rungSizing: 'seconds' } }), 1);
  assert.equal(promoted({ settings: { rungSizing: 'joules' } }), 1);
  assert.equal(promoted({ settings: { rungSizing: 'nominal' } }), 3);
  assert.equal(promoted({}), 3);
  assert.equal(promoted({ settings: { rungSizing: 'seconds' }, synchronous: true }), 3);
});
