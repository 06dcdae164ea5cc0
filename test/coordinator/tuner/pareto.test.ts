import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dominates, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import fc from 'fast-check';
import {
  hypervolume,
  hypervolumeContributions,
  referencePoint,
  volumeGain,
} from '../../../coordinator/tuner/pareto.ts';
import { near } from '../../support/near.ts';
import { reference } from './fixtures/reference.ts';

const points = (dimensions: number) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 8 }), { minLength: dimensions, maxLength: dimensions }), {
    maxLength: 12,
  });

/** Counts unit cells below the reference that some point dominates: exact for whole numbers. */
function countedVolume(set: number[][], reference: number[]): number {
  const cells = reference.reduce((product, r) => product * r, 1);
  let count = 0;
  for (let cell = 0; cell < cells; cell++) {
    let rest = cell;
    const corner = reference.map((r) => {
      const at = rest % r;
      rest = Math.floor(rest / r);
      return at;
    });
    if (set.some((point) => point.every((value, i) => value <= (corner[i] as number)))) count++;
  }
  return count;
}

test('the front is what nothing dominates', () => {
  fc.assert(
    fc.property(fc.constantFrom(2, 3).chain(points), (set) => {
      const expected = set.flatMap((point, i) => (set.some((other) => dominates(other, point)) ? [] : [i]));
      assert.deepEqual(paretoFront(set), expected);
    }),
  );
});

test('hypervolume equals counted cells in one to four dimensions, contributions in up to three what is lost', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 4).chain((d) => fc.tuple(fc.constant(d), points(d))),
      ([d, set]) => {
        const reference = new Array<number>(d).fill(6);
        const volume = hypervolume(set, reference);
        assert.equal(volume, countedVolume(set, reference));
        if (d > 3) return;
        const gains = hypervolumeContributions(set, reference);
        for (const i of set.keys())
          assert.equal(
            gains[i],
            volume -
              hypervolume(
                set.filter((_, j) => j !== i),
                reference,
              ),
          );
      },
    ),
    { numRuns: 150 },
  );
});

test('hypervolume of ZDT1’s true front at (1.1, 1.1) is .87667', () => {
  const front = Array.from({ length: 20_001 }, (_, i) => [i / 20_000, 1 - Math.sqrt(i / 20_000)]);
  assert.ok(Math.abs(hypervolume(front, [1.1, 1.1]) - 0.87667) < 1e-4);
});

test('the gain of a further point is the difference of the hypervolumes with and without it', () => {
  fc.assert(
    fc.property(
      fc
        .constantFrom(1, 2, 3)
        .chain((d) => fc.tuple(points(d), fc.array(fc.integer({ min: 0, max: 8 }), { minLength: d, maxLength: d }))),
      ([set, point]) => {
        const reference = point.map(() => 6);
        const front = paretoFront(set).map((index) => set[index] as number[]);
        const gain = volumeGain(front, reference)(point);
        assert.equal(gain, hypervolume([...front, point], reference) - hypervolume(front, reference));
      },
    ),
  );
});

test('hypervolumes and contributions are pymoo’s', () => {
  for (const { points, reference: corner, volume, contributions } of reference.volumes.cases) {
    near(hypervolume(points, corner), volume, 1e-12);
    for (const [i, gain] of hypervolumeContributions(points, corner).entries())
      near(gain, contributions[i] as number, corner.length > 3 ? 0.1 : 1e-12, `contribution of ${points[i]}`);
  }
});

test('what an outcome adds to a front is pymoo’s', () => {
  const { front, reference: corner, rows } = reference.gain;
  const gainOf = volumeGain(front, corner);
  for (const { outcome, gain } of rows) near(gainOf(outcome), gain, 1e-12, `gain of ${outcome}`);
  // The same in three dimensions, where the third value is the same for all: its share of the range.
  const deeper = (point: readonly number[]) => [...point, 0.25];
  const gainAbove = volumeGain(front.map(deeper), [...corner, 1]);
  for (const { outcome, gain } of rows) near(gainAbove(deeper(outcome)), 0.75 * gain, 1e-12, `gain of ${outcome}`);
});

test('the reference lies a tenth of the range, or of the size, beyond the worst', () => {
  const near3 = (actual: readonly number[], expected: readonly number[]) => {
    assert.equal(actual.length, expected.length);
    for (const [i, value] of actual.entries()) near(value, expected[i] as number, 1e-12);
  };
  near3(
    referencePoint([
      [1, 5, 0],
      [3, 5, -4],
      [2, 5, -2],
    ]),
    [3.2, 5.5, 0.4],
  );
  near3(referencePoint([[-2, 0]]), [-1.8, 0.1]);
  near3(referencePoint([]), []);
});
