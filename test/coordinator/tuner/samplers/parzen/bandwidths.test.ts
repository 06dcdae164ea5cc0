import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalReferenceWidths, scottWidths } from '../../../../../coordinator/tuner/samplers/parzen/bandwidths.ts';
import { Space } from '../../../../../coordinator/tuner/space.ts';
import { near } from '../../../../support/near.ts';
import { spaceOf } from '../../../../support/observations.ts';
import { reference } from '../../fixtures/reference.ts';

const { points, normalReference, scott } = reference.bandwidths;

test('the normal reference rule gives the bandwidths that statsmodels gives', () => {
  for (const [at, width] of normalReferenceWidths(spaceOf(2), points).entries())
    near(width, normalReference.widths[at] as number, 1e-14);
});

test('Scott’s rule gives the bandwidth that Optuna gives', () => {
  for (const width of scottWidths(spaceOf(2), points.length)) near(width, scott.width, 1e-14);
});

test('no bandwidth is 0, and on choices none spreads more than all of the mass', () => {
  assert.deepEqual(
    normalReferenceWidths(spaceOf(1, 3), [
      [0.4, 1],
      [0.4, 1],
    ]),
    [1e-3, 1e-3],
  );
  assert.deepEqual(normalReferenceWidths(spaceOf(1, 3), []), [1e-3, 1e-3]);
  // Far apart: 1.06 · 3 · 2^(−1/6) is 2.8, and two thirds are all.
  near(
    normalReferenceWidths(spaceOf(1, 3), [
      [0, 0],
      [1, 6],
    ])[1] as number,
    2 / 3,
  );
  // Of what is inactive nothing is known: two of the three points count.
  const some = normalReferenceWidths(spaceOf(2), [
    [0.2, 0],
    [Number.NaN, 0.5],
    [0.6, 1],
  ])[0] as number;
  near(some, 1.06 * 0.2 * 2 ** (-1 / 6));
});

test('Scott’s rule: a choice is spread like one flat observation; separate values are as wide as half a step at least', () => {
  assert.deepEqual(scottWidths(spaceOf(0, 3), 0), [0.9]);
  near(scottWidths(spaceOf(0, 3), 9)[0] as number, 3 / 12);
  const stepped = new Space([{ name: 'k', level: 'model', type: 'int', min: 1, max: 2, scale: 'linear' }]);
  assert.deepEqual(scottWidths(stepped, 5), [0.25]);
  near(scottWidths(spaceOf(1), 0)[0] as number, 0.2);
  near(scottWidths(spaceOf(1), 32)[0] as number, 0.1);
});
