import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logNormalCdf, normalCdf, normalDensity, normalQuantile } from '@edgetune/shared/math/normal.ts';
import fc from 'fast-check';
import { agrees } from './fixtures/high-precision.ts';

test('density, distribution and its logarithm agree with values in high precision, from −40 to 40', () => {
  agrees('density', normalDensity, 8e-16);
  agrees('cdf', normalCdf, 8e-16);
  agrees('logCdf', logNormalCdf, 8e-16);
});

test('quantiles agree with values in high precision, from the smallest number to the largest below 1', () => {
  agrees('quantile', normalQuantile, 8e-16);
});

test('the distribution at its ends', () => {
  assert.deepEqual([normalCdf(-Infinity), normalCdf(0), normalCdf(Infinity)], [0, 0.5, 1]);
  assert.deepEqual([normalDensity(-Infinity), normalDensity(Infinity)], [0, 0]);
  assert.equal(logNormalCdf(-Infinity), -Infinity);
  assert.ok(logNormalCdf(Infinity) === 0);
  assert.deepEqual([normalQuantile(0), normalQuantile(1)], [-Infinity, Infinity]);
  for (const none of [-1e-300, 1.0000001, Number.NaN])
    assert.throws(() => normalQuantile(none), { name: 'RangeError', message: `${none} is not a probability` });
});

test('a quantile is where the distribution has its probability', () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 0.5, noNaN: true }), (probability) => {
      const z = normalQuantile(probability);
      // A relative error of z grows by z² on the way back.
      assert.ok(Math.abs(normalCdf(z) / probability - 1) <= 1e-15 * (4 + 2 * z * z));
    }),
  );
});

test('the logarithm of the distribution never falls, also where its parts meet', () => {
  const ordered = fc.double({ min: -60, max: 40, noNaN: true });
  fc.assert(
    fc.property(ordered, fc.double({ min: 1e-9, max: 1, noNaN: true }), (z, step) => {
      assert.ok(logNormalCdf(z + step) >= logNormalCdf(z));
    }),
  );
  for (const edge of [-0.66, 0.66]) assert.ok(logNormalCdf(edge + 1e-12) > logNormalCdf(edge - 1e-12));
});
