import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import type { Acquisition } from '../../../../../coordinator/tuner/samplers/bayesian/acquisition.ts';
import { effortFor } from '../../../../../coordinator/tuner/samplers/bayesian/effort.ts';
import { changed, maximised } from '../../../../../coordinator/tuner/samplers/bayesian/maximise.ts';
import { Space, type SpacePoint } from '../../../../../coordinator/tuner/space.ts';
import { near } from '../../../../support/near.ts';
import { spaceOf } from '../../../../support/observations.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';

const effort = { spread: 90, refinements: 30 };
/** The larger, the nearer to (0.37, 0.81), and with the second choice. */
const hill = ([x, y, c]: SpacePoint) =>
  -(((x as number) - 0.37) ** 2) - ((y as number) - 0.81) ** 2 - (c === 1 ? 0 : 0.5);

test('finds about the largest value, also from nowhere near it', () => {
  for (const seed of [1, 2, 3, 4, 5])
    for (const best of [[], [[0.9, 0.1, 0]], [[0.36, 0.8, 1]]]) {
      const found = maximised(spaceOf(2, 3), hill, best, effort, keyedRandom(seed));
      assert.ok(hill(found) > -0.01, `${found}`);
    }
});

test('asks so many times, each time with what is still of interest, and of the points that candidates have', () => {
  const space = new Space([
    { name: 'k', level: 'model', type: 'int', min: 1, max: 4, scale: 'linear' },
    { name: 'x', level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' },
  ]);
  const asked: { value: number; least: number; point: SpacePoint }[] = [];
  const acquisition: Acquisition = (point, least) => {
    const value = -(((point[1] as number) - 0.5) ** 2);
    asked.push({ value, least, point });
    return value;
  };
  const found = maximised(space, acquisition, [[0.375, 0.2]], { spread: 40, refinements: 7 }, keyedRandom(2));
  assert.equal(asked.length, 40 + 3 * 7);
  // A whole number stands at the middle of its quarter.
  assert.ok(
    asked.every(({ point }) => [0.125, 0.375, 0.625, 0.875].includes(point[0] as number)),
    'snapped points',
  );
  // While looking around, what is better than the third best so far; then, what is better than the leader itself.
  const values = asked.map(({ value }) => value);
  for (const [i, { least }] of asked.slice(0, 40).entries())
    assert.equal(least, values.slice(0, i).sort((a, b) => b - a)[2] ?? -Infinity);
  const leaders = values
    .slice(0, 40)
    .sort((a, b) => b - a)
    .slice(0, 3);
  for (const [l, leader] of leaders.entries()) {
    const [from, to] = [40 + 7 * l, 47 + 7 * l];
    for (let i = from; i < to; i++) assert.equal(asked[i]?.least, Math.max(leader, ...values.slice(from, i)));
  }
  assert.equal(acquisition(space.snapped(found), 0), Math.max(...values));
});

test('every other point is near a good one, first the best of them, the others are anywhere', () => {
  const points: SpacePoint[] = [];
  const acquisition: Acquisition = (point) => {
    points.push(point);
    return 0;
  };
  const best = [
    [0.2, 0.2, 0.2, 0.2, 0.2, 0.2],
    [0.8, 0.8, 0.8, 0.8, 0.8, 0.8],
  ];
  maximised(spaceOf(6), acquisition, best, { spread: 400, refinements: 0 }, keyedRandom(4));
  // A good point keeps some of its coordinates: at least one in six, most of the time more.
  const kept = (i: number) =>
    points
      .flatMap((point, at) => (at % 4 === i ? [point] : []))
      .map((point) => {
        const center = (best[i] ?? []) as number[];
        return point.filter((x, at) => x === center[at]).length;
      });
  for (const i of [0, 1]) assert.ok(kept(i).filter((count) => count > 0).length > 60, `${kept(i)}`);
  const free = points.filter((_, at) => at % 4 >= 2).flat();
  assert.ok(
    free.every((x) => x !== 0.2 && x !== 0.8),
    'points anywhere',
  );
  near(free.reduce((sum, x) => sum + x, 0) / free.length, 0.5, 0.05);
});

test('the steps around a leader become smaller, down to a thousandth', () => {
  // One dimension always changes. Where nothing is better than the leader all steps begin at it.
  const points: number[] = [];
  const acquisition: Acquisition = (point) => {
    points.push(point[0] as number);
    return points.length === 1 ? 1 : 0;
  };
  const refinements = 3000;
  maximised(spaceOf(1), acquisition, [], { spread: 1, refinements }, keyedRandom(3));
  const [leader, ...around] = points as [number, ...number[]];
  const spreadOf = (from: number, to: number) => {
    const steps = around.slice(from, to).map((x) => x - leader);
    return Math.sqrt(steps.reduce((sum, step) => sum + step * step, 0) / steps.length);
  };
  assert.equal(around.length, refinements);
  // 0.15 · 0.005^share + 0.001, here at shares of about ½ and 1 (earlier ones end at the end of the range).
  near(spreadOf(1450, 1550), 0.15 * Math.sqrt(0.005) + 0.001, 0.002);
  near(spreadOf(2900, 3000), 0.15 * 0.005 ** 0.983 + 0.001, 0.0003);
});

test('a changed point: so large a share of its coordinates, a normal step each, within the range', () => {
  const space = spaceOf(3, 4);
  const point = [0.5, 0.25, 0.9, 2];
  const of = (...numbers: number[]) => {
    const random = scriptedRandom(numbers);
    const result = changed(space, point, 0.1, random).map((x) => Number(x.toFixed(9)));
    assert.deepEqual(random.left, []);
    return result;
  };
  // The share is the first number, 1.5 of 4 at least; then a number for each coordinate. A normal number comes of two:
  // √(−2 ln(1 − u)) · cos(2πv), which is 1 for u = 1 − e^(−½), v = 0.
  const one = [1 - Math.exp(-0.5), 0];
  assert.deepEqual(of(0.1, 0.37, ...one, 0.38, 0.38, 0.38), [0.6, 0.25, 0.9, 2]);
  assert.deepEqual(of(0.8, 0.81, 0.79, ...one, 0.8, ...one, 0.81), [0.5, 0.35, 1, 2]);
  // A choice that may change does so in three of ten cases.
  assert.deepEqual(of(0.1, 0.9, 0.9, 0.9, 0.2, 0.29, 0.99), [0.5, 0.25, 0.9, 3]);
  assert.deepEqual(of(0.1, 0.9, 0.9, 0.9, 0.2, 0.3), [0.5, 0.25, 0.9, 2]);
  // Steps down end at 0.
  const down = [1 - Math.exp(-0.5 * 9), 0.5];
  assert.deepEqual(of(0.9, 0.9001, 0.1, ...down, 0.9001, 0.9001), [0.5, 0, 0.9, 2]);
});

test('what is inactive is drawn anew', () => {
  const random = scriptedRandom([0.1, 0.62, 0.7]);
  assert.deepEqual(changed(spaceOf(1, 5), [Number.NaN, Number.NaN], 0.1, random), [0.62, 3]);
});

test('effort grows with the dimensions up to a bound, and shrinks with the observations down to a third', () => {
  assert.deepEqual(effortFor(2, 10), { modelled: 68, spread: 88, refinements: 30 });
  assert.deepEqual(effortFor(5, 90), { modelled: 80, spread: 100, refinements: 34 });
  assert.deepEqual(effortFor(5, 180), { modelled: 80, spread: 50, refinements: 17 });
  assert.deepEqual(effortFor(20, 100_000), { modelled: 120, spread: 53, refinements: 18 });
  assert.deepEqual(effortFor(20, 240), { modelled: 120, spread: 150, refinements: 50 });
});
