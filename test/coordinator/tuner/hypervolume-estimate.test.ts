/** The estimate beside the exact volume. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Point, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { estimatedGain } from '../../../coordinator/tuner/hypervolume-estimate.ts';
import { hypervolume, hypervolumeContributions, volumeGain } from '../../../coordinator/tuner/pareto.ts';

/** A front of `count` points between 0 and 1. */
function frontOf(values: number, count: number, seed: number): number[][] {
  const random = keyedRandom(seed);
  const points = Array.from({ length: count }, () => Array.from({ length: values }, () => random.uniform()));
  return paretoFront(points).map((index) => points[index] as number[]);
}

const exactGain = (point: Point, front: readonly Point[], reference: Point) =>
  hypervolume([...front, point], reference) - hypervolume(front, reference);

for (const values of [2, 3, 4, 5])
  test(`of ${values} values it is near the exact gain, and puts points in nearly the same order`, () => {
    const reference = new Array<number>(values).fill(1.1);
    const [front, others] = [frontOf(values, 14, values), frontOf(values, 60, 100 + values)];
    let [error, total, agreed, pairs] = [0, 0, 0, 0];
    const gains = others.map((point) => ({
      exact: exactGain(point, front, reference),
      estimated: estimatedGain(point, front, reference),
    }));
    for (const [i, a] of gains.entries()) {
      error += Math.abs(a.estimated - a.exact);
      total += a.exact;
      for (const b of gains.slice(0, i)) {
        if (Math.abs(a.exact - b.exact) < 0.1 * Math.max(a.exact, b.exact)) continue;
        pairs++;
        if (a.exact < b.exact === a.estimated < b.estimated) agreed++;
      }
    }
    assert.ok(error < 0.15 * total, `mean error ${error / total}`);
    assert.ok(agreed > 0.95 * pairs, `${agreed} of ${pairs} in the same order`);
  });

test('of an empty front it is the box; of what is dominated, or beyond the reference, nothing', () => {
  const reference = [1, 1, 1, 1];
  assert.ok(Math.abs(estimatedGain([0.5, 0.5, 0.5, 0], [], reference) - 0.125) < 1e-12);
  assert.equal(estimatedGain([0.5, 0.5, 0.5, 0.5], [[0.5, 0.5, 0.5, 0.5]], reference), 0);
  assert.equal(estimatedGain([0.5, 0.5, 0.5, 0.5], [[0.1, 0.5, 0.5, 0.5]], reference), 0);
  assert.equal(estimatedGain([0.5, 0.5, 0.5, 1], [], reference), 0);
});

test('it does not depend on the units or the order of the values, nor favours one of them', () => {
  const [front, point] = [frontOf(4, 10, 3), [0.4, 0.5, 0.3, 0.45]];
  const gain = estimatedGain(point, front, [1.1, 1.1, 1.1, 1.1]);
  assert.ok(gain > 0);
  const scaled = (of: readonly number[]) => of.map((value, i) => value * [1e6, 1, 1e-3, 10][i]!);
  const other = estimatedGain(scaled(point), front.map(scaled), scaled([1.1, 1.1, 1.1, 1.1])) / 1e4;
  assert.ok(Math.abs(other / gain - 1) < 1e-9);
  const turned = (of: readonly number[]) => [...of.slice(1), of[0] as number];
  const again = estimatedGain(turned(point), front.map(turned), [1.1, 1.1, 1.1, 1.1]);
  assert.ok(Math.abs(again / gain - 1) < 1e-9);
});

test('four and more values are estimated: twelve of them with a hundred points on the front take no longer than that', () => {
  const front = frontOf(12, 100, 5);
  const reference = new Array<number>(12).fill(1.1);
  const start = process.cpuUsage();
  const contributions = hypervolumeContributions(front, reference);
  const gain = volumeGain(front, reference)(new Array<number>(12).fill(0.2));
  // The exact ones would take days.
  assert.ok(process.cpuUsage(start).user < 20e6);
  assert.ok(contributions.every((value) => value > 0) && gain > 0);
});
