import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { ParzenMixture } from '../../../../../coordinator/tuner/samplers/parzen/parzen.ts';
import { near } from '../../../../support/near.ts';
import { spaceOf } from '../../../../support/observations.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';
import { reference } from '../../fixtures/reference.ts';

const { points, weights, priorWeight, widths, rows } = reference.mixture;

test('the density is that of Optuna’s mixture of product distributions', () => {
  const mixture = new ParzenMixture(spaceOf(2, 3), { points, weights, priorWeight, widths });
  for (const { point, logDensity } of rows) near(mixture.logDensity(point), logDensity);
});

test('without a flat kernel the density is that of the others; without any, the flat one is all', () => {
  const one = { points: [[0.5, 1]], weights: [7], widths: [0.1, 0.4] };
  const mixture = new ParzenMixture(spaceOf(1, 2), { ...one, priorWeight: 0 });
  // φ(1) ÷ 0.1 ÷ (Φ(5) − Φ(−5)), and of two choices the other one: 0.4 of its share.
  near(mixture.logDensity([0.6, 0]), Math.log(0.24197072451914337 / 0.1 / 0.9999994266968563) + Math.log(0.4), 1e-12);
  near(mixture.logDensity([0.6, 1]), Math.log(0.24197072451914337 / 0.1 / 0.9999994266968563) + Math.log(1.6), 1e-12);
  const flat = new ParzenMixture(spaceOf(1, 2), { points: [], weights: [], priorWeight: 3, widths: [0.1, 0.4] });
  assert.equal(flat.logDensity([0.6, 0]), 0);
  assert.deepEqual(flat.sample(scriptedRandom([0.999, 0.2, 0.7])), [0.2, 1]);
});

test('what is inactive, in a point or in an observation, counts as flat', () => {
  const kernels = { points: [[0.5, Number.NaN]], weights: [1], priorWeight: 0, widths: [0.1, 0.2] };
  const mixture = new ParzenMixture(spaceOf(2), kernels);
  const alone = new ParzenMixture(spaceOf(1), { ...kernels, points: [[0.5]] });
  near(mixture.logDensity([0.45, 0.9]), alone.logDensity([0.45]), 1e-12);
  near(mixture.logDensity([0.45, Number.NaN]), alone.logDensity([0.45]), 1e-12);
  assert.equal(new ParzenMixture(spaceOf(1), { ...kernels, points: [[0.5]] }).logDensity([Number.NaN]) > 1, true);
});

test('a sample is drawn from the kernel that the first number falls into', () => {
  const mixture = new ParzenMixture(spaceOf(1, 3), {
    points: [
      [0.2, 0],
      [0.8, 2],
    ],
    weights: [1, 2],
    priorWeight: 1,
    widths: [0.1, 0.3],
  });
  // Of a mass of 4 the flat kernel has the first quarter, the first point the second, the other one the rest. A normal
  // number comes of two uniform ones; cos(2π · ¼) = 0 leaves it at the centre. A choice is spread below 0.3.
  const sampled = (...numbers: number[]) => {
    const random = scriptedRandom(numbers);
    const point = mixture.sample(random);
    assert.deepEqual(random.left, []);
    return point.map((x) => Number(x.toFixed(12)));
  };
  assert.deepEqual(sampled(0.249, 0.35, 0.5), [0.35, 1]);
  assert.deepEqual(sampled(0.251, 0.5, 0.25, 0.31), [0.2, 0]);
  assert.deepEqual(sampled(0.499, 0.5, 0.25, 0.31), [0.2, 0]);
  assert.deepEqual(sampled(0.501, 0.5, 0.25, 0.31), [0.8, 2]);
  assert.deepEqual(sampled(0.999, 0.5, 0.25, 0.29, 0.5), [0.8, 1]);
  // √(−2 ln ½) · cos(0) deviations up: 0.8 + 0.1177; and where that leaves the range, it is drawn anew.
  near(sampled(0.999, 0.5, 0, 0.31)[0] as number, 0.8 + 0.1 * Math.sqrt(2 * Math.LN2), 1e-11);
  assert.deepEqual(sampled(0.999, 0.999, 0, 0.5, 0.25, 0.31), [0.8, 2]);
});

test('what is inactive in the observation is drawn evenly; so is what fifty normal numbers leave outside', () => {
  const mixture = new ParzenMixture(spaceOf(1, 3), {
    points: [[Number.NaN, Number.NaN]],
    weights: [1],
    priorWeight: 0,
    widths: [0.1, 0.3],
  });
  assert.deepEqual(mixture.sample(scriptedRandom([0.5, 0.123, 0.9])), [0.123, 2]);
  const wide = new ParzenMixture(spaceOf(1), { points: [[0.5]], weights: [1], priorWeight: 0, widths: [0.2] });
  const outside = Array.from({ length: 50 }, () => [0.999, 0]).flat();
  assert.deepEqual(wide.sample(scriptedRandom([0.5, ...outside, 0.321])), [0.321]);
});

test('samples have the density: their mean logarithm is that of the density’s own integral', () => {
  const mixture = new ParzenMixture(spaceOf(1), {
    points: [[0.1], [0.7]],
    weights: [1, 3],
    priorWeight: 1,
    widths: [0.2],
  });
  const random = keyedRandom(6);
  const [cells, count] = [20, 20_000];
  const seen = new Array<number>(cells).fill(0);
  for (let i = 0; i < count; i++) {
    const cell = Math.floor((mixture.sample(random)[0] as number) * cells);
    seen[cell] = (seen[cell] as number) + 1;
  }
  for (const [cell, times] of seen.entries()) {
    let mass = 0;
    for (let part = 0; part < 100; part++)
      mass += Math.exp(mixture.logDensity([(cell + (part + 0.5) / 100) / cells])) / cells / 100;
    // Five standard deviations of a binomial.
    assert.ok(
      Math.abs(times - count * mass) < 5 * Math.sqrt(count * mass),
      `cell ${cell}: ${times}, not ${count * mass}`,
    );
  }
});
