import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paddingFactor, unfoldsAlone } from '@edgetune/shared/costmodel/matrix-tiles.ts';
import fc from 'fast-check';

const product = (change: Partial<Parameters<typeof paddingFactor>[0]>) => ({
  filters: 16,
  positions: 196,
  products: 1,
  unfoldedBytes: 1,
  ...change,
});

test('columns are computed sixteen at a time, and dealt out so', () => {
  assert.equal(paddingFactor(product({ positions: 32 * 32 }), 1), 1);
  assert.equal(paddingFactor(product({ positions: 49 }), 1), 64 / 49);
  assert.equal(paddingFactor(product({ positions: 196 }), 4), 256 / 196);
  assert.equal(paddingFactor(product({ positions: 196, filters: 256 }), 4), 208 / 196, 'rows are dealt out');
  assert.equal(paddingFactor(product({ positions: 196, filters: 196 }), 4), 256 / 196, 'as many rows as columns');
  assert.equal(paddingFactor(product({ positions: 196, products: 8, unfoldedBytes: 0 }), 4), 208 / 196);
  assert.equal(paddingFactor(product({ positions: 0 }), 4), 1);
  assert.ok(unfoldsAlone({ filters: 256, positions: 196 }) && !unfoldsAlone({ filters: 16, positions: 196 }));
});

test('padded work never shrinks as the image grows, and grows no faster than to the next tile of each thread', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 8 }), (side, threads) => {
      const work = (pixels: number) => pixels * paddingFactor(product({ positions: pixels, filters: 1 }), threads);
      const [here, next] = [side * side, (side + 1) * (side + 1)];
      assert.ok(work(next) >= work(here) - 1e-9);
      assert.ok(work(here) >= here - 1e-9 && work(here) <= here + 16 * threads + 1e-9);
    }),
  );
});
