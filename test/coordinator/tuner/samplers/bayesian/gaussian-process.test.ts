import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { fitScales } from '../../../../../coordinator/tuner/samplers/bayesian/fit-scales.ts';
import { GaussianProcess, pointSet } from '../../../../../coordinator/tuner/samplers/bayesian/gaussian-process.ts';

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
