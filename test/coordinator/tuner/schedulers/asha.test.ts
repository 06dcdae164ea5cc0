/** Asynchronous successive halving, step by step (Li et al., MLSys 2020, algorithm 2: the best 1/η of a rung go on). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../../coordinator/tuner/create-tuner.ts';
import { AshaScheduler } from '../../../../coordinator/tuner/schedulers/asha.ts';
import type { SchedulerOptions } from '../../../../coordinator/tuner/schedulers/scheduler.ts';
import type { Ask, Tell } from '../../../../coordinator/tuner/tuner.ts';
import { observed } from '../../../support/observations.ts';
import { answer, asksOf, drive, problem } from '../../../support/tuning.ts';

const healthy = (ask: Ask): Tell => ({ ...answer(ask), status: 'ok', violation: 0 });
const OPTIONS: SchedulerOptions = {
  levels: 3,
  reductionFactor: 3,
  objectives: 1,
  synchronous: false,
  costAware: false,
};

/** One trial after the other, trial i with this loss at every rung: what was done, as "start" or "2→1" (trial → rung). */
function steps(losses: readonly number[], options: Partial<SchedulerOptions> = {}, costs: readonly number[] = []) {
  const scheduler = new AshaScheduler({ ...OPTIONS, ...options });
  const rungs = new Map<number, number>();
  const done: string[] = [];
  for (;;) {
    const canStart = rungs.size < losses.length;
    const step = scheduler.next({ canStart, outstanding: 0 });
    if (step.kind === 'wait') return done;
    const trialId = step.kind === 'start' ? rungs.size : step.trialId;
    const rung = step.kind === 'start' ? 0 : (rungs.get(trialId) as number) + 1;
    rungs.set(trialId, rung);
    done.push(step.kind === 'start' ? 'start' : `${trialId}→${rung}`);
    scheduler.asked(trialId, rung, 0);
    scheduler.told(observed({ trialId, level: rung, losses: [losses[trialId] as number], cost: costs[rung] ?? 1 }));
  }
}

test('nine trials with η = 3: one of each three told goes on at once, one of the three above to the top', () => {
  // Of the first three the best is 1; of six the best two are 1 and 5; of nine 7, 1 and 5. Of those three 7 is the best.
  assert.deepEqual(steps([0.5, 0.2, 0.9, 0.8, 0.7, 0.3, 0.6, 0.1, 0.4, 0.95]), [
    ...['start', 'start', 'start', '1→1'],
    ...['start', 'start', 'start', '5→1'],
    ...['start', 'start', 'start', '7→1', '7→2'],
    'start',
  ]);
});

test('no more than 1/η of a rung go on, however the order changes (delayed promotion)', () => {
  // Each trial is better than all before it: the best third is always new.
  const done = steps([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(
    done.filter((step) => step.endsWith('→1')),
    ['2→1', '5→1', '8→1'],
  );
});

test('the highest rung from which a trial can go on comes first', () => {
  const scheduler = new AshaScheduler(OPTIONS);
  for (let trialId = 0; trialId < 12; trialId++) {
    scheduler.asked(trialId, 0, 0);
    scheduler.told(observed({ trialId, losses: [trialId] }));
  }
  for (let trialId = 0; trialId < 3; trialId++) {
    scheduler.asked(trialId, 1, 0);
    scheduler.told(observed({ trialId, level: 1, losses: [trialId] }));
  }
  // Trial 3 could go to rung 1, trial 0 to rung 2.
  assert.deepEqual(scheduler.next({ canStart: true, outstanding: 0 }), { kind: 'promote', trialId: 0 });
  scheduler.asked(0, 2, 0);
  assert.deepEqual(scheduler.next({ canStart: true, outstanding: 1 }), { kind: 'promote', trialId: 3 });
  scheduler.asked(3, 1, 0);
  assert.deepEqual(scheduler.next({ canStart: true, outstanding: 2 }), { kind: 'start', bracket: 0 });
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 2 }), { kind: 'wait' });
});

test('when nothing more can be started, one trial goes on from each rung all the same', () => {
  assert.deepEqual(steps([0.2, 0.1]), ['start', 'start', '1→1', '1→2']);
  // But not while something is being trained.
  const scheduler = new AshaScheduler(OPTIONS);
  scheduler.asked(0, 0, 0);
  scheduler.asked(1, 0, 0);
  scheduler.told(observed({ trialId: 0 }));
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 1 }), { kind: 'wait' });
  scheduler.told(observed({ trialId: 1, losses: [1] }));
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'promote', trialId: 0 });
});

test('what failed or is infeasible never goes on: the next best does, or none', () => {
  const scheduler = new AshaScheduler(OPTIONS);
  const told = (trialId: number, change: Parameters<typeof observed>[0]) => {
    scheduler.asked(trialId, 0, 0);
    scheduler.told(observed({ trialId, ...change }));
  };
  told(0, { losses: [0], violation: 0.5, status: 'infeasible' });
  told(1, { losses: [], violation: Infinity, status: 'failed' });
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'wait' });
  told(2, { losses: [9], violation: 0.9 });
  assert.deepEqual(scheduler.next({ canStart: false, outstanding: 0 }), { kind: 'promote', trialId: 2 });
});

test('rungs by cost: as many go on as make the rung above cost as much, and half of a rung at most', () => {
  const losses = Array.from({ length: 12 }, (_, i) => 12 - i);
  const toFirst = (costs: readonly number[]) =>
    steps(losses, { levels: 2, costAware: true }, costs).filter((step) => step.endsWith('→1')).length;
  // Twelve of cost 1 pay for four of cost 3, for two of cost 6; of twelve six at most.
  assert.equal(toFirst([1, 3]), 4);
  assert.equal(toFirst([1, 6]), 2);
  assert.equal(toFirst([1, 1]), 6);
  // Costs that nobody told: counted as trials.
  assert.equal(toFirst([1, 0]), 4);
});

test('places are passed over as often as their order of trials is doubted', () => {
  const scheduler = new AshaScheduler(OPTIONS);
  // Six trials at places 0 and 1 in opposite orders: the doubt is 0.965 (see agreement.test.ts).
  for (let trialId = 0; trialId < 6; trialId++) {
    scheduler.asked(trialId, 0, 0);
    scheduler.told(observed({ trialId, losses: [trialId] }));
  }
  for (let trialId = 0; trialId < 6; trialId++) {
    scheduler.asked(trialId, 1, 0);
    scheduler.told(observed({ trialId, level: 1, losses: [-trialId] }));
  }
  const places: number[] = [];
  while (places.length < 60) {
    const step = scheduler.next({ canStart: true, outstanding: 1 });
    if (step.kind === 'start') places.push(step.bracket);
    const trialId = step.kind === 'promote' ? step.trialId : 100 + places.length;
    scheduler.asked(trialId, step.kind === 'promote' ? 2 : 0, step.kind === 'start' ? step.bracket : 0);
  }
  // Each trial adds 0.0345 of one that starts at the lowest place: the first at once, the next when that is one.
  assert.deepEqual(
    places.flatMap((place, i) => (place === 0 ? [i] : [])),
    [0, 28, 57],
  );
  assert.ok(
    places.every((place) => place <= 1),
    'nothing is doubted above',
  );
});

test('an amended loss changes who goes on', () => {
  const scheduler = new AshaScheduler(OPTIONS);
  const all = [0, 1, 2].map((trialId) => observed({ trialId, losses: [trialId] }));
  for (const each of all) {
    scheduler.asked(each.trialId, 0, 0);
    scheduler.told(each);
  }
  const [, , last] = all;
  if (last) scheduler.amended(last, { ...last, losses: [-1] });
  assert.deepEqual(scheduler.next({ canStart: true, outstanding: 0 }), { kind: 'promote', trialId: 2 });
});

test('no more than a share of 1/η goes on from a rung, however the best of it change', () => {
  const tuner = createTuner(problem({ settings: { sampler: 'random' }, maxTrials: 90 }));
  const asks = asksOf(
    // Each trial is better than all before it.
    drive(tuner, 1, 0, (ask) => ({ ...healthy(ask), metrics: { accuracy: ask.trialId / 1000 + ask.rung / 1e6 } })),
  );
  const [started, ...above] = [0, 1, 2].map((rung) => asks.filter((ask) => ask.rung === rung).length);
  assert.equal(started, 90);
  assert.deepEqual(above, [30, 10]);
});

test('new trials skip a lowest budget whose order says nothing about the next', () => {
  const startsWhere = (misleading: boolean) => {
    const tuner = createTuner(problem({ settings: { sampler: 'random' }, maxTrials: 200 }));
    const asks = asksOf(
      drive(tuner, 1, 0, (ask) => {
        const tell = healthy(ask);
        const sign = misleading && ask.budget.epochs === 1 ? -1 : 1;
        return { ...tell, metrics: { ...tell.metrics, accuracy: sign * (tell.metrics.accuracy as number) } };
      }),
    );
    return asks.filter(({ rung }) => rung === 0).map(({ bracket }) => bracket);
  };
  assert.ok(startsWhere(false).every((bracket) => bracket === 0));
  const misled = startsWhere(true);
  assert.equal(misled[0], 0);
  assert.equal(misled.at(-1), 1);
});

test('where the order of every place is doubted, trials start at the top', () => {
  const scheduler = new AshaScheduler(OPTIONS);
  for (const [level, sign] of [
    [0, 1],
    [1, -1],
    [2, 1],
  ] as const)
    for (let trialId = 0; trialId < 6; trialId++) {
      scheduler.asked(trialId, level, 0);
      scheduler.told(observed({ trialId, level, losses: [sign * trialId] }));
    }
  const places = Array.from({ length: 30 }, (_, i) => {
    const step = scheduler.next({ canStart: true, outstanding: i });
    assert.equal(step.kind, 'start');
    const place = step.kind === 'start' ? step.bracket : -1;
    scheduler.asked(100 + i, 0, place);
    return place;
  });
  // Three of a hundred start at the lowest place, three of a hundred of the others at the next.
  assert.deepEqual(places.slice(0, 4), [0, 1, 2, 2]);
  assert.equal(places.filter((place) => place === 2).length, 27);
});
