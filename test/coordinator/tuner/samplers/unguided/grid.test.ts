import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { GridSampler } from '../../../../../coordinator/tuner/samplers/unguided/grid.ts';
import { spaceOf, viewOf } from '../../../../support/observations.ts';

const walk = (space: ReturnType<typeof spaceOf>, maxTrials: number, count: number) => {
  const sampler = new GridSampler(maxTrials);
  return Array.from({ length: count }, (_, started) =>
    sampler.propose(viewOf(space, [], { started }), keyedRandom(started)),
  );
};

test('as many values on continuous dimensions as the trials allow, two at least; after the grid random points', () => {
  const valuesOf = (maxTrials: number, count: number) =>
    new Set(walk(spaceOf(2), maxTrials, count).flatMap(({ point, by }) => (by === 'grid' ? [point[0]] : [])));
  assert.deepEqual([...valuesOf(9, 9)].sort(), [0, 0.5, 1]);
  assert.deepEqual([...valuesOf(8, 8)].sort(), [0, 1]);
  assert.deepEqual([...valuesOf(1, 4)].sort(), [0, 1]);
  const names = walk(spaceOf(2), 8, 6).map(({ by }) => by);
  assert.deepEqual(names, ['grid', 'grid', 'grid', 'grid', 'random', 'random']);
});

test('the whole grid is walked, every point once, and a part of it is spread over the space', () => {
  const points = walk(spaceOf(1, 3), 30, 30).map(({ point }) => point.join());
  assert.equal(new Set(points).size, 30);
  // Of ten values and three choices, the first ten points have all choices and most of the values.
  const first = walk(spaceOf(1, 3), 30, 10).map(({ point }) => point);
  assert.equal(new Set(first.map(([, choice]) => choice)).size, 3);
  assert.ok(new Set(first.map(([x]) => x)).size >= 7);
});

test('no more than fifty values on a dimension; an attempt that was tried already goes on to the next', () => {
  assert.equal(
    new Set(walk(spaceOf(1), 1000, 60).flatMap(({ point, by }) => (by === 'grid' ? [point[0]] : []))).size,
    50,
  );
  const sampler = new GridSampler(9);
  const [third, also] = [
    sampler.propose(viewOf(spaceOf(2), [], { started: 2 }), keyedRandom(1)),
    sampler.propose(viewOf(spaceOf(2), [], { started: 1, attempt: 1 }), keyedRandom(1)),
  ];
  assert.deepEqual(third, also);
});

test('a grid too large to be numbered is left to random points', () => {
  const [proposal] = walk(spaceOf(60), 10, 1);
  assert.equal(proposal?.by, 'random');
});
