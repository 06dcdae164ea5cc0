import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import { searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { searchInsight, type ToldRung } from '../../../../coordinator/study/state/search-insight.ts';

const SPEC = {
  objectives: ['maximize accuracy', 'minimize latency'].map(parseObjective),
  devices: ['pi'],
  space: searchSpaceSchema.parse({
    model: { width: { type: 'float', min: 0, max: 1 }, idle: { type: 'float', min: 0, max: 1 } },
  }),
};

const told = (trialId: number, accuracy: number, latency: number, change: Partial<ToldRung> = {}): ToldRung => ({
  trialId,
  rung: 0,
  at: `2026-01-01T00:00:${String(trialId).padStart(2, '0')}.000Z`,
  status: 'ok',
  metrics: { accuracy, 'latency.p50@pi': latency },
  violation: 0,
  ...change,
});

test('hypervolume over time: feasible rungs that add to it, and the last', () => {
  const { hypervolume } = searchInsight(
    SPEC,
    [
      told(0, 0.5, 10),
      // Infeasible, failed, and dominated: none of them changes anything.
      told(1, 0.9, 1, { status: 'infeasible', violation: 0.3 }),
      told(2, 0, 0, { status: 'failed', metrics: {} }),
      told(3, 0.4, 12),
      told(4, 0.6, 11),
      told(5, 0.3, 12),
    ],
    [],
  );
  assert.deepEqual(
    hypervolume?.map(({ trialId }) => trialId),
    [0, 4, 5],
  );
  const shares = hypervolume?.map(({ share }) => share) as number[];
  // Box: accuracy 0.6 to 0.27, latency 10 to 12.2. Covered by 0.5/10 alone: 0.23 × 2.2; 0.6/11 adds 0.1 × 1.2.
  assert.ok(Math.abs((shares[0] as number) - (0.23 * 2.2) / (0.33 * 2.2)) < 1e-9);
  assert.ok(Math.abs((shares[1] as number) - (0.23 * 2.2 + 0.1 * 1.2) / (0.33 * 2.2)) < 1e-9);
  assert.equal(shares[2], shares[1]);
});

test('before anything feasible is told there is nothing to show; with five objectives the hypervolume is left out', () => {
  assert.deepEqual(searchInsight(SPEC, [told(0, 0.5, 1, { status: 'stopped' })], []), {
    hypervolume: [],
    importance: [],
  });
  const four = ['accuracy', 'loss', 'macs', 'parameters'].map(parseObjective);
  assert.deepEqual(searchInsight({ ...SPEC, objectives: four }, [], []).hypervolume, []);
  const five = ['accuracy', 'loss', 'macs', 'parameters', 'modelSize'].map(parseObjective);
  assert.equal(searchInsight({ ...SPEC, objectives: five }, [], []).hypervolume, null);
});

test('what failed, was stopped or violates a constraint adds nothing, also where it comes first', () => {
  const rungs = [
    told(0, 0.9, 1, { status: 'stopped' }),
    told(1, 0.5, 10),
    told(2, 0.9, 1, { violation: 0.1 }),
    told(3, 0.9, 1, { status: 'infeasible' }),
    told(4, 0.9, 1, { metrics: { accuracy: 0.9 } }),
    told(5, 0.6, 9, { rung: 2 }),
  ];
  const { hypervolume } = searchInsight(SPEC, rungs, []);
  assert.deepEqual(
    hypervolume?.map(({ trialId, rung, at }) => [trialId, rung, at]),
    [
      [1, 0, rungs[1]?.at],
      [5, 2, rungs[5]?.at],
    ],
  );
  assert.equal(hypervolume?.[1]?.share, 1);
});

test('no share is more than the whole, whatever is rounded', () => {
  // Two points an ulp apart, whose volumes add up to more than the box around them.
  const rungs = [
    told(0, 2.177975754293863, 0.3704687789349075),
    told(1, 2.1779757542938634, 0.3704687789349076),
    told(2, 1.1779757542938634, 1.3704687789349075),
  ];
  assert.equal(searchInsight(SPEC, rungs, []).hypervolume?.at(-1)?.share, 1);
});

test('the parameter that decides is the important one', () => {
  const trials = Array.from({ length: 40 }, (_, trialId) => ({
    trialId,
    candidate: { width: (trialId * 0.37) % 1, idle: (trialId * 0.61) % 1 },
  })) as unknown as TrialView[];
  const rungs = trials.map(({ trialId, candidate }) => told(trialId, candidate.width as number, 5));
  const { importance } = searchInsight(SPEC, rungs, trials);
  assert.equal(importance[0]?.name, 'width');
  assert.ok((importance[0]?.share as number) > 0.7);
});

test('of each trial its highest rung decides, of those that are feasible, best first', () => {
  const trials = Array.from({ length: 20 }, (_, trialId) => ({
    trialId,
    candidate: { width: trialId / 20, idle: ((trialId * 7) % 20) / 20 },
  })) as unknown as TrialView[];
  const by = (accuracy: (trialId: number) => number, change: (trialId: number) => Partial<ToldRung> = () => ({})) =>
    trials.map(({ trialId }) => told(trialId, accuracy(trialId), 5, change(trialId)));
  const ofWidth = by((trialId) => (trialId + 1) / 20);
  const expected = searchInsight(SPEC, ofWidth, trials).importance;
  assert.equal(expected[0]?.name, 'width');
  // What a lower rung said, in which another parameter decided, is overruled.
  const low = by((trialId) => (1 + ((trialId * 7) % 20)) / 20);
  assert.deepEqual(searchInsight(SPEC, [...low, ...ofWidth], trials).importance, expected);
  assert.notDeepEqual(searchInsight(SPEC, low, trials).importance, expected);
  // What is infeasible says nothing of what is good: without these no ten trials are left.
  const few = by(
    (trialId) => (trialId + 1) / 20,
    (trialId) => (trialId < 11 ? { status: 'infeasible' } : {}),
  );
  assert.deepEqual(searchInsight(SPEC, few, trials).importance, []);
  assert.deepEqual(searchInsight(SPEC, ofWidth, trials.slice(0, 5)).importance, [], 'nor what nobody knows');
  assert.deepEqual(searchInsight({ ...SPEC, space: undefined }, ofWidth, trials).importance, []);
});

test('only what the tuner searches has an importance', () => {
  const space = searchSpaceSchema.parse({
    model: { width: { type: 'float', min: 0, max: 1 } },
    training: { rate: { type: 'float', min: 0, max: 1 } },
    system: { cores: { type: 'float', min: 0, max: 1 } },
    inference: { batchSize: { type: 'ordinal', values: [1, 4] } },
  });
  const trials = Array.from({ length: 20 }, (_, trialId) => ({
    trialId,
    candidate: { width: trialId / 20, rate: ((trialId * 7) % 20) / 20, cores: ((trialId * 3) % 20) / 20 },
  })) as unknown as TrialView[];
  const rungs = trials.map(({ trialId }) => told(trialId, trialId / 20, 5));
  const { importance } = searchInsight({ ...SPEC, space }, rungs, trials);
  assert.deepEqual(importance.map(({ name }) => name).sort(), ['cores', 'rate', 'width']);
});
