import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dominates, lexicographic, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import fc from 'fast-check';

const points = (dimensions: number) =>
  fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: dimensions, maxLength: dimensions }), {
    maxLength: 14,
  });

describe('dominates', () => {
  it('takes what is nowhere worse and somewhere better', () => {
    assert.equal(dominates([1, 2], [1, 3]), true);
    assert.equal(dominates([1, 2], [1, 2]), false);
    assert.equal(dominates([1, 3], [1, 2]), false);
    assert.equal(dominates([0, 3], [1, 2]), false);
    assert.equal(dominates([1, 2, 0], [1, 2, 1]), true);
  });
});

describe('lexicographic', () => {
  it('compares the first value that differs', () => {
    assert.ok(lexicographic([1, 5], [2, 0]) < 0);
    assert.ok(lexicographic([1, 5], [1, 0]) > 0);
    assert.equal(lexicographic([1, 5], [1, 5]), 0);
  });
});

describe('paretoFront', () => {
  it('is empty of nothing', () => {
    assert.deepEqual(paretoFront([]), []);
  });

  for (const dimensions of [1, 2, 3, 4])
    it(`of ${dimensions} values is what no other point dominates, equal points included, in the order given`, () => {
      fc.assert(
        fc.property(points(dimensions), (set) => {
          const expected = set.flatMap((point, i) => (set.some((other) => dominates(other, point)) ? [] : [i]));
          assert.deepEqual(paretoFront(set), expected);
        }),
      );
    });
});
