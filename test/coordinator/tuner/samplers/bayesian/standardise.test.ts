import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  earliest,
  quantile,
  standardised,
  standardisedViolations,
} from '../../../../../coordinator/tuner/samplers/bayesian/standardise.ts';
import { near } from '../../../../support/near.ts';
import { observed } from '../../../../support/observations.ts';

/** Mean 0 and variance 1, by its definition. */
function normalised(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance));
}

const assertNear = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of actual.entries()) near(value, expected[i] as number, 1e-12, `value ${i}`);
};

test('losses up to the median stay in proportion, worse ones are drawn together; what failed is among the worst', () => {
  const losses = [5, 1, 3, 9, 2];
  const observations = losses.map((loss, trialId) => observed({ trialId, losses: [loss] }));
  // The median is 3: in units of 3 − 1 from the best, 5 is 2, drawn to 1 + ln 2, and 9 is 4, drawn to 1 + ln 4.
  const drawn = [1 + Math.log(2), 0, 1, 1 + Math.log(4), 0.5];
  assertNear(standardised(observations, 0), normalised(drawn));
  assertNear(
    standardised([...observations, observed({ losses: [], violation: Infinity })], 0),
    normalised([...drawn, 1 + Math.log(4)]),
  );
});

test('with one objective it is the median of all, however many', () => {
  // Of ten the sixth is the median: 5. The first eight trials would say 6.
  const losses = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  const observations = losses.map((loss, trialId) => observed({ trialId, losses: [loss] }));
  assertNear(
    standardised(observations, 0),
    normalised(losses.map((loss) => (loss <= 5 ? loss / 5 : 1 + Math.log(loss / 5)))),
  );
});

test('with several objectives it is the median of the first eight trials', () => {
  const observations = [7, 6, 5, 4, 3, 2, 1, 0, 40, 50].map((loss, i) =>
    observed({ trialId: 9 - i, losses: [-1, loss] }),
  );
  // The first eight by number are those from 5 down to 0, 40 and 50: the median, the fifth of them, is 4.
  const share = (loss: number) => (loss <= 4 ? loss / 4 : 1 + Math.log(loss / 4));
  assertNear(standardised(observations, 1), normalised([7, 6, 5, 4, 3, 2, 1, 0, 40, 50].map(share)));
  assert.deepEqual(
    earliest(observations).map(({ trialId }) => trialId),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
});

test('values that are all the same are all 0', () => {
  assert.deepEqual(standardised([observed({ losses: [3] }), observed({ losses: [3] })], 0), [0, 0]);
  assert.deepEqual(standardisedViolations([observed({}), observed({})]), [0, 0]);
});

test('violations are drawn together from a twentieth on; unbounded ones count as the largest, 1 at least', () => {
  const of = (...violations: number[]) =>
    standardisedViolations(violations.map((violation) => observed({ violation })));
  assertNear(of(0, 0.05, 3, Infinity), normalised([0, Math.log(2), Math.log(61), Math.log(61)]));
  assertNear(of(0, 0.2, Infinity), normalised([0, Math.log(5), Math.log(21)]));
});

test('a quantile is the value below which that share lies', () => {
  assert.deepEqual(
    [0, 0.24, 0.25, 0.5, 0.99, 1].map((share) => quantile([30, 10, 40, 20], share)),
    [10, 10, 20, 30, 40, 40],
  );
});
