import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { QuasiRandomSampler, radicalInverse } from '../../../../../coordinator/tuner/samplers/unguided/quasi-random.ts';
import { near } from '../../../../support/near.ts';
import { spaceOf, viewOf } from '../../../../support/observations.ts';
import { reference } from '../../fixtures/reference.ts';

test('with digits in their order the sequence is Halton’s, as scipy has it', () => {
  const { bases, points } = reference.halton;
  for (const [index, point] of Object.entries(points))
    for (const [at, base] of bases.entries()) {
      const digits = Array.from({ length: base }, (_, digit) => digit);
      near(radicalInverse(Number(index), digits), point[at] as number, 1e-12);
    }
});

test('permuted digits are permuted, also the endless zeros behind them', () => {
  // 6 is 20 in base 3, its digits from the lowest 0, 2: with 0 → 1, 1 → 2, 2 → 0 that is 1/3 + 0/9 + 1/27 + 1/81 + …
  near(radicalInverse(6, [1, 2, 0]), 1 / 3 + 1 / 27 / (1 - 1 / 3), 1e-10);
  assert.ok(radicalInverse(0, [1, 0]) < 1);
});

test('of each dimension, as many points in a row as its base, or its square, lie evenly apart', () => {
  const sampler = new QuasiRandomSampler(4);
  const space = spaceOf(4);
  const at = (dimension: number, index: number) => {
    const { point, by } = sampler.propose(viewOf(space, [], { started: index - 1 }), keyedRandom(1));
    assert.equal(by, 'quasi-random');
    return point[dimension] as number;
  };
  for (const [dimension, base] of [2, 3, 5, 7].entries())
    for (const count of [base, base * base]) {
      const sorted = Array.from({ length: count }, (_, i) => at(dimension, 2 * count + i)).sort((a, b) => a - b);
      for (const [i, x] of sorted.slice(1).entries()) near(x - (sorted[i] as number), 1 / count);
    }
});

test('the seed decides the order of the digits; a choice is taken where its share lies', () => {
  const first = (seed: number) =>
    new QuasiRandomSampler(seed).propose(viewOf(spaceOf(6), [], { started: 0 }), keyedRandom(1)).point;
  assert.deepEqual(first(1), first(1));
  assert.ok(new Set([1, 2, 3, 4, 5].map((seed) => first(seed).join())).size > 2);
  const [numbers, choices] = [spaceOf(2), spaceOf(0, 10, 10)].map(
    (space) => new QuasiRandomSampler(1).propose(viewOf(space, [], { started: 5 }), keyedRandom(1)).point,
  ) as [number[], number[]];
  assert.deepEqual(
    choices,
    numbers.map((x) => Math.floor(10 * x)),
  );
});

test('what was tried already is followed by random points', () => {
  const view = viewOf(spaceOf(2), [], { started: 3, attempt: 1 });
  const { point, by } = new QuasiRandomSampler(1).propose(view, keyedRandom(8));
  const random = keyedRandom(8);
  assert.deepEqual([point, by], [[random.uniform(), random.uniform()], 'random']);
});
