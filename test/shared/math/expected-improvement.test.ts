import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logExpectedImprovement, logImprovement } from '@edgetune/shared/math/expected-improvement.ts';
import fc from 'fast-check';
import { agrees } from './fixtures/high-precision.ts';

test('the logarithm of the improvement agrees with values in high precision, from −40 to 40 and far beyond', () => {
  agrees('logH', logImprovement, 2e-15);
});

test('it is finite however far away, where Mills’ ratio leaves nothing but rounding errors', () => {
  // At −100913630.7667 the ratio times z rounds to −1.
  for (const z of [-100913630.7667, -102208103.895808, -1e12]) {
    const asymptote = -(z * z) / 2 - Math.log(2 * Math.PI) / 2 - 2 * Math.log(-z);
    assert.ok(Math.abs(logImprovement(z) / asymptote - 1) < 1e-15, `${logImprovement(z)}`);
  }
});

test('it grows everywhere, also where its branches meet', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -100, max: 40, noNaN: true }),
      fc.double({ min: 1e-9, max: 1, noNaN: true }),
      (z, step) => {
        assert.ok(logImprovement(z + step) > logImprovement(z));
      },
    ),
  );
  for (const [edge, step] of [
    [-1, 1e-12],
    [-1e6, 1e-6],
  ] as const)
    assert.ok(logImprovement(edge + step) > logImprovement(edge - step));
});

test('of a value it is the improvement of the standardised one, scaled', () => {
  // The mean is better by 1, the deviation is 2: 2 · (φ(½) + ½ Φ(½)), from a table of φ and Φ.
  assert.ok(Math.abs(logExpectedImprovement(1, 2) - Math.log(2 * (0.35206533 + 0.5 * 0.69146246))) < 1e-8);
  assert.ok(Math.abs(logExpectedImprovement(-2, 0.5) - (Math.log(0.5) + logImprovement(-4))) < 1e-14);
});

test('what is certain improves by its gap, or not at all', () => {
  assert.equal(logExpectedImprovement(3, 0), Math.log(3));
  assert.equal(logExpectedImprovement(0, 0), -Infinity);
  assert.equal(logExpectedImprovement(-3, 0), -Infinity);
});

test('it grows with the gap and with the deviation', () => {
  const gaps = fc.double({ min: -30, max: 30, noNaN: true });
  const deviations = fc.double({ min: 0.3, max: 3, noNaN: true });
  fc.assert(
    fc.property(gaps, deviations, fc.double({ min: 0.01, max: 1, noNaN: true }), (gap, deviation, more) => {
      const value = logExpectedImprovement(gap, deviation);
      assert.ok(logExpectedImprovement(gap + more, deviation) > value);
      // With a gap of many deviations the improvement is the gap, to the last digit.
      if (gap < 3 * deviation) assert.ok(logExpectedImprovement(gap, deviation + more) > value);
    }),
  );
});
