import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erf, erfcx, expOfSquare } from '@edgetune/shared/math/error-function.ts';
import { agrees } from './fixtures/high-precision.ts';

test('erf and erfcx agree with values in high precision', () => {
  agrees('erf', erf, 4e-16);
  agrees('erfcx', erfcx, 8e-16);
});

test('erf and erfcx of what is no number or none to reckon with', () => {
  assert.deepEqual([erf(Infinity), erf(-Infinity), erf(0)], [1, -1, 0]);
  assert.deepEqual([erfcx(Infinity), erfcx(-Infinity), erfcx(0)], [0, Infinity, 1]);
  // 1/√π ÷ x is the asymptote, also where x² is too large for a number.
  assert.ok(Math.abs((erfcx(1e200) * 1e200) / 0.5641895835477563 - 1) < 1e-15);
  assert.ok(Number.isNaN(erf(Number.NaN)) && Number.isNaN(erfcx(Number.NaN)));
});

test('an exponential of a square is not spoilt by the rounding of the square', () => {
  // 26.3² is not a double; python3 -c 'from mpmath import *; mp.dps = 50; print(exp(-mpf(26.3)**2))' (mpmath 1.4.1)
  const exact = 4.007281139193885e-301;
  assert.ok(Math.abs(expOfSquare(26.3, -1) / exact - 1) < 4e-16);
  assert.ok(Math.abs(expOfSquare(-26.3, -1) / exact - 1) < 4e-16);
  assert.ok(Math.abs(Math.exp(-(26.3 * 26.3)) / exact - 1) > 4e-15);
  assert.deepEqual([expOfSquare(65, -1), expOfSquare(65, 1), expOfSquare(Infinity, -0.5)], [0, Infinity, 0]);
});
