import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goodWeights, splitLevel } from '../../../../../coordinator/tuner/samplers/parzen/split.ts';
import { near } from '../../../../support/near.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';

const historyOf = (...args: Parameters<typeof viewOf> extends [unknown, ...infer Rest] ? Rest : never) =>
  viewOf(spaceOf(1), ...args).history;

test('the best are good, the others and what is being trained are bad', () => {
  const losses = [0.3, 0.1, 0.5, 0.2, 0.4];
  const history = historyOf(losses.map((loss, trialId) => observed({ trialId, losses: [loss], point: [loss] })));
  history.asked(9, [0.9]);
  const { good, bad } = splitLevel(history, 0, 2);
  assert.deepEqual(
    good.map(({ trialId }) => trialId),
    [1, 3],
  );
  assert.deepEqual(bad, [[0.3], [0.4], [0.5], [0.9]]);
});

test('with several objectives the good are the front, which is not bad as well', () => {
  const losses = [
    [1, 3],
    [2, 2],
    [3, 1],
    [4, 4],
    [2, 5],
  ];
  const history = historyOf(losses.map((of, trialId) => observed({ trialId, losses: of, point: [trialId] })));
  const { good, bad } = splitLevel(history, 0, 3);
  assert.deepEqual(new Set(good.map(({ trialId }) => trialId)), new Set([0, 1, 2]));
  assert.deepEqual(new Set(bad), new Set([[3], [4]]));
  assert.equal(bad.length, 2);
});

test('of many bad ones an even choice over the ranks', () => {
  const history = historyOf(Array.from({ length: 250 }, (_, i) => observed({ trialId: i, losses: [i], point: [i] })));
  const { bad } = splitLevel(history, 0, 10);
  // 240 are left, of which every other one is taken.
  assert.deepEqual(
    bad.map(([rank]) => rank),
    Array.from({ length: 120 }, (_, i) => 10 + 2 * i),
  );
});

test('weights: by what a point adds to the hypervolume, against the largest; what is infeasible weighs least', () => {
  const good = [
    observed({ trialId: 0, losses: [0, 3] }),
    observed({ trialId: 1, losses: [1, 2] }),
    observed({ trialId: 2, losses: [3, 0] }),
    observed({ trialId: 3, losses: [2, 3] }),
    observed({ trialId: 4, losses: [0, 0], violation: 1 }),
  ];
  // Up to (3.3, 3.3) they add (1)(0.3), (2)(1) less nothing: 2 − 0 → a table of rectangles: 0.3, 2, 0.6; the dominated 0.
  const weights = goodWeights(good);
  for (const [i, weight] of [0.3 / 2, 1, 0.6 / 2, 0.05, 0.05].entries()) near(weights[i] as number, weight, 1e-9);
});

test('one objective, or one feasible point: all weigh the same', () => {
  assert.deepEqual(goodWeights([observed({ losses: [1] }), observed({ losses: [2] })]), [1, 1]);
  assert.deepEqual(goodWeights([observed({ losses: [1, 2] }), observed({ losses: [2, 1], violation: 3 })]), [1, 1]);
  assert.deepEqual(goodWeights([]), []);
  // Points that are one: none of them adds anything.
  assert.deepEqual(goodWeights([observed({ losses: [1, 2] }), observed({ losses: [1, 2] })]), [1, 1]);
});
