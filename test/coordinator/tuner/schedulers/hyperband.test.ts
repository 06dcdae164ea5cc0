/** Hyperband and successive halving by whole rungs (Li et al., JMLR 2018). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bracketSize } from '../../../../coordinator/tuner/schedulers/bracket-size.ts';
import { HyperbandScheduler } from '../../../../coordinator/tuner/schedulers/hyperband.ts';
import type { SchedulerOptions } from '../../../../coordinator/tuner/schedulers/scheduler.ts';
import { observed } from '../../../support/observations.ts';
import { reference } from '../fixtures/reference.ts';

const OPTIONS: SchedulerOptions = { levels: 5, reductionFactor: 3, objectives: 1, synchronous: true, costAware: false };

/** Trials per bracket and rung, where trial i has loss i, until `most` trials have been started. */
function counts(most: number, options: Partial<SchedulerOptions> = {}, starts = 5, costs: readonly number[] = []) {
  const all = { ...OPTIONS, ...options };
  const scheduler = new HyperbandScheduler(all, starts);
  const trials = new Map<number, { start: number; rung: number }>();
  const table = new Map<number, number[]>();
  for (;;) {
    const step = scheduler.next({ canStart: trials.size < most, outstanding: 0 });
    if (step.kind === 'wait') return Object.fromEntries(table);
    const trialId = step.kind === 'start' ? trials.size : step.trialId;
    const before = trials.get(trialId);
    const [start, rung] = before ? [before.start, before.rung + 1] : [(step as { bracket: number }).bracket, 0];
    trials.set(trialId, { start, rung });
    const row = table.get(start) ?? [];
    row[rung] = (row[rung] ?? 0) + 1;
    table.set(start, row);
    scheduler.asked(trialId, rung, start);
    const cost = costs[start + rung] ?? 1;
    scheduler.told(observed({ trialId, level: start + rung, losses: [trialId], cost }), rung);
  }
}

test('R = 81, η = 3: the brackets of the paper’s table 1', () => {
  assert.deepEqual(counts(81 + 27 + 9 + 6 + 5), {
    0: [81, 27, 9, 3, 1],
    1: [27, 9, 3, 1],
    2: [9, 3, 1],
    3: [6, 2],
    4: [5],
  });
});

test('brackets are as large as BOHB’s', () => {
  for (const { levels, reductionFactor, sizes } of reference.brackets.rows)
    assert.deepEqual(
      sizes.map((_, start) => bracketSize(levels, start, reductionFactor)),
      sizes,
    );
});

test('successive halving is the first bracket, again and again', () => {
  assert.deepEqual(counts(27, { levels: 3 }, 1), { 0: [27, 9, 3] });
});

test('the next bracket is opened when one is done, or at once where nobody waits for whole rungs', () => {
  for (const synchronous of [true, false]) {
    const scheduler = new HyperbandScheduler({ ...OPTIONS, levels: 2, synchronous }, 2);
    for (let trialId = 0; trialId < 3; trialId++) {
      assert.deepEqual(scheduler.next({ canStart: true, outstanding: trialId }), { kind: 'start', bracket: 0 });
      scheduler.asked(trialId, 0, 0);
    }
    const expected = synchronous ? { kind: 'wait' } : { kind: 'start', bracket: 1 };
    assert.deepEqual(scheduler.next({ canStart: true, outstanding: 3 }), expected);
    for (let trialId = 0; trialId < 3; trialId++) scheduler.told(observed({ trialId, losses: [-trialId] }), 0);
    assert.deepEqual(scheduler.next({ canStart: true, outstanding: 0 }), { kind: 'promote', trialId: 2 });
    scheduler.asked(2, 1, 0);
    scheduler.told(observed({ trialId: 2, level: 1 }), 1);
    assert.deepEqual(scheduler.next({ canStart: true, outstanding: 0 }), { kind: 'start', bracket: 1 });
  }
});

test('who goes on is settled by the first promotion: what is amended later changes nothing', () => {
  const scheduler = new HyperbandScheduler({ ...OPTIONS, levels: 2, reductionFactor: 2 }, 1);
  // Two levels and η = 2: two trials, one goes on. With four trials in two brackets each is its own.
  const all = [0, 1].map((trialId) => observed({ trialId, losses: [trialId] }));
  for (const each of all) scheduler.asked(each.trialId, 0, 0);
  for (const each of all) scheduler.told(each, 0);
  const [first, second] = all as [(typeof all)[number], (typeof all)[number]];
  const better = { ...second, losses: [-1] };
  scheduler.amended(second, better, 0);
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'promote', trialId: 1 });
  scheduler.amended(better, second, 0);
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'promote', trialId: 0 });
  scheduler.asked(0, 1, 0);
  scheduler.amended(first, { ...first, losses: [5] }, 0);
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 1 }), { kind: 'wait' });
  scheduler.told(observed({ trialId: 0, level: 1 }), 1);
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'wait' });
});

test('a bracket that is not full goes on with what it has when nothing more can be started', () => {
  // Of two trials 1/3 is none: the best goes on all the same.
  assert.deepEqual(counts(2, { levels: 3 }, 1), { 0: [2, 1, 1] });
  assert.deepEqual(counts(0), {});
});

test('what failed does not go on; where all failed the bracket is done', () => {
  const scheduler = new HyperbandScheduler({ ...OPTIONS, levels: 2 }, 1);
  for (let trialId = 0; trialId < 3; trialId++) {
    scheduler.asked(trialId, 0, 0);
    const failed = trialId < 2 ? { losses: [], violation: Infinity, status: 'failed' as const } : { losses: [7] };
    scheduler.told(observed({ trialId, ...failed }), 0);
  }
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'promote', trialId: 2 });
  const hopeless = new HyperbandScheduler({ ...OPTIONS, levels: 2 }, 1);
  for (let trialId = 0; trialId < 3; trialId++) {
    hopeless.asked(trialId, 0, 0);
    hopeless.told(observed({ trialId, losses: [], violation: Infinity, status: 'failed' }), 0);
  }
  assert.deepEqual(hopeless.next({ canStart: false, outstanding: 0 }), { kind: 'wait' });
  assert.deepEqual(hopeless.next({ canStart: true, outstanding: 0 }), { kind: 'start', bracket: 0 });
});

test('rungs by cost: the second bracket knows what the rung above costs', () => {
  // Nine of cost 1: the first bracket goes by counting, three; the second takes as many as that pays for,
  // but half of the rung at most.
  for (const [cost, second] of [
    [4, [9, 10]],
    [2, [9, 10, 11, 12]],
    [1, [9, 10, 11, 12]],
  ] as const) {
    const scheduler = new HyperbandScheduler({ ...OPTIONS, levels: 3, synchronous: false, costAware: true }, 1);
    const brackets = [0, 9].map((from) => {
      for (let trialId = from; trialId < from + 9; trialId++) {
        assert.equal(scheduler.next({ canStart: true, outstanding: 0 }).kind, 'start');
        scheduler.asked(trialId, 0, 0);
        scheduler.told(observed({ trialId, losses: [trialId], cost: 1 }), 0);
      }
      const promoted: number[] = [];
      for (;;) {
        const step = scheduler.next({ canStart: false, outstanding: promoted.length });
        if (step.kind !== 'promote' || promoted.includes(step.trialId)) break;
        promoted.push(step.trialId);
        scheduler.asked(step.trialId, 1, 0);
      }
      for (const trialId of promoted) scheduler.told(observed({ trialId, level: 1, losses: [trialId], cost }), 1);
      // The top: one of them, so that the bracket is done.
      const top = scheduler.next({ canStart: false, outstanding: 0 });
      if (top.kind === 'promote') {
        scheduler.asked(top.trialId, 2, 0);
        scheduler.told(observed({ trialId: top.trialId, level: 2, cost: 100 }), 2);
      }
      return promoted;
    });
    assert.deepEqual(brackets, [[0, 1, 2], second]);
  }
});

test('a trial goes on once, also where what is known since orders its rung otherwise than when it was promoted', () => {
  const scheduler = new HyperbandScheduler({ ...OPTIONS, levels: 3, reductionFactor: 2 }, 1);
  for (const trialId of [0, 1, 2, 3]) {
    scheduler.asked(trialId, 0, 0);
    scheduler.told(observed({ trialId, level: 0, losses: [trialId] }), 0);
  }
  scheduler.asked(1, 1, 0);
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 1 }), { kind: 'promote', trialId: 0 });
});
