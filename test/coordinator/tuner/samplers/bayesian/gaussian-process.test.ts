import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { fitScales } from '../../../../../coordinator/tuner/samplers/bayesian/fit-scales.ts';
import {
  GaussianProcess,
  pointSet,
  squaredDifference,
} from '../../../../../coordinator/tuner/samplers/bayesian/gaussian-process.ts';
import { near } from '../../../../support/near.ts';
import { reference } from '../../fixtures/reference.ts';

const fitted = (points: number[][], values: number[]) => {
  const [set, of] = [pointSet(points, new Uint8Array((points[0] as number[]).length)), Float64Array.from(values)];
  return new GaussianProcess(set, of, fitScales(set, of));
};

test('a smooth function is learned: small error between the points, certain at them, uncertain far away', () => {
  const random = keyedRandom(4);
  const points = Array.from({ length: 40 }, () => [0.5 * random.uniform(), random.uniform()]);
  const f = ([x, y]: readonly number[]) => Math.SQRT2 * Math.sin(6 * (x as number)) * Math.cos(4 * (y as number));
  const process = fitted(points, points.map(f));
  const errors = Array.from({ length: 200 }, () => {
    const point = [0.05 + 0.4 * random.uniform(), 0.1 + 0.8 * random.uniform()];
    return Math.abs(process.predict(point).mean - f(point));
  }).sort((a, b) => a - b);
  assert.ok((errors[100] as number) < 0.02, `median error ${errors[100]}`);
  for (const point of points.slice(0, 5)) assert.ok(Math.abs(process.predict(point).mean - f(point)) < 0.02);
  const [near, far] = [process.predict(points[0] as number[]), process.predict([1, 0.5])];
  assert.ok(far.deviation > 10 * near.deviation);
});

test('a dimension that has no influence is recognised: moving along it changes nothing', () => {
  const random = keyedRandom(5);
  const points = Array.from({ length: 30 }, () => [random.uniform(), random.uniform()]);
  const process = fitted(
    points,
    points.map(([x]) => Math.sin(5 * (x as number))),
  );
  const change = Math.abs(process.predict([0.3, 0.1]).mean - process.predict([0.3, 0.9]).mean);
  assert.ok(change < 0.02, `changed by ${change}`);
});

test('points that coincide, and values that are all equal, do no harm', () => {
  const process = fitted([[0.5], [0.5], [0.5]], [0, 0, 0]);
  const { mean, deviation } = process.predict([0.5]);
  assert.ok(Number.isFinite(mean) && Number.isFinite(deviation));
});

test('mean and deviation are those of scikit-learn’s process with these scales', () => {
  const { points, values, lengths, noise, signal, rows } = reference.process;
  const process = new GaussianProcess(pointSet(points, new Uint8Array(2)), Float64Array.from(values), {
    lengths: lengths.map(Math.log),
    noise: Math.log(noise),
  });
  near(process.largestDeviation, Math.sqrt(signal), 1e-12);
  for (const { point, mean, deviation } of rows) {
    near(process.mean(point), mean, 1e-11);
    near(process.predict(point).mean, mean, 1e-11);
    near(process.predict(point).deviation, deviation, 1e-9);
    // The last coordinate may be given apart, also for the same point again.
    const first = [point[0] as number];
    near(process.mean(first, point[1]), mean, 1e-11);
    near(process.deviation(first, point[1], () => true) as number, deviation, 1e-9);
    near(process.mean(first, 0.5), process.mean([...first, 0.5]), 1e-11);
  }
});

test('choices, and what is inactive, differ by 1 or not at all', () => {
  const process = new GaussianProcess(
    pointSet([[0], [2], [Number.NaN]], Uint8Array.of(1)),
    Float64Array.of(1, -1, 0.5),
    { lengths: [Math.log(0.5)], noise: Math.log(1e-6) },
  );
  // Matérn 5/2 at a distance of 1 ÷ 0.5: any other choice, and inactive against active, are equally far.
  const r = Math.sqrt(5) * 2;
  const k = (1 + r + (r * r) / 3) * Math.exp(-r);
  // The system of three by symmetry: R = (1 − k) I + k 1 1ᵀ, α = (y − k Σy ÷ (1 + 2k)) ÷ (1 − k), up to the noise.
  const alphas = [1, -1, 0.5].map((y) => (y - (k * 0.5) / (1 + 2 * k)) / (1 - k));
  const [a, b, c] = alphas as [number, number, number];
  near(process.mean([0]), a + k * (b + c), 1e-5);
  near(process.mean([1]), k * (a + b + c), 1e-5);
  near(process.mean([Number.NaN]), c + k * (a + b), 1e-5);
  assert.deepEqual(
    [
      squaredDifference(0.3, 0.8, 0),
      squaredDifference(3, 1, 1),
      squaredDifference(2, 2, 1),
      squaredDifference(Number.NaN, 0.5, 0),
      squaredDifference(0.5, Number.NaN, 0),
      squaredDifference(Number.NaN, Number.NaN, 0),
    ],
    [0.25, 1, 0, 1, 1, 0],
  );
});

test('while a deviation is worked out, what it is at most falls to what it is; whoever has enough ends it', () => {
  const random = keyedRandom(9);
  const points = Array.from({ length: 60 }, () => [random.uniform(), random.uniform()]);
  const values = Float64Array.from(points, ([x, y]) => Math.sin(5 * (x as number)) + (y as number));
  const process = new GaussianProcess(pointSet(points, new Uint8Array(2)), values, {
    lengths: [Math.log(0.2), Math.log(0.2)],
    noise: Math.log(1e-4),
  });
  const asked: number[] = [];
  const deviation = process.deviation([0.5, 0.5], undefined, (most) => asked.push(most) > 0) as number;
  // After 24 and 48 of the 60 rows.
  assert.equal(asked.length, 2);
  assert.ok(process.largestDeviation >= (asked[0] as number));
  assert.ok((asked[0] as number) >= (asked[1] as number) && (asked[1] as number) >= deviation);
  near(process.predict([0.5, 0.5]).deviation, deviation, 1e-12);
  assert.equal(
    process.deviation([0.5, 0.5], undefined, (most) => most > (asked[1] as number)),
    null,
  );
});

test('scales are those of the largest posterior density, as scipy finds it on scikit-learn’s likelihood', () => {
  const { points, values } = reference.process;
  const { lengths, noise } = reference.scales;
  const found = fitScales(pointSet(points, new Uint8Array(2)), Float64Array.from(values));
  // The climb ends where a step gains less than a thousandth: it comes near to the top.
  for (const [at, length] of found.lengths.entries()) near(length, lengths[at] as number, 0.05, `length ${at}`);
  near(found.noise, noise, 0.01);
});
