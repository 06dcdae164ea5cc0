import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { stratifiedOrder } from '../../../../coordinator/training/datasets/finish/splits.ts';

it('holds every sample once, and every prefix has the classes in their shares', () => {
  const labels = fc.uint8Array({ min: 0, max: 3, minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(labels, fc.integer(), (values, seed) => {
      const order = stratifiedOrder(values, seed);
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        [...values.keys()],
      );
      assert.deepEqual(stratifiedOrder(values, seed), order);
      for (let label = 0; label < 4; label++) {
        const total = values.filter((value) => value === label).length;
        let seen = 0;
        for (const [i, index] of order.entries()) {
          if (values[index] === label) seen++;
          // A class's samples lie one to a slice of the order; other classes shift it by at most one each.
          assert.ok(Math.abs(seen - (total * (i + 1)) / order.length) <= 4);
        }
      }
    }),
  );
});
