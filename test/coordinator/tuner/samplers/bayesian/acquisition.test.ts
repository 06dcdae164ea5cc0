import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logExpectedImprovement } from '@edgetune/shared/math/expected-improvement.ts';
import { logNormalCdf } from '@edgetune/shared/math/normal.ts';
import {
  expectedImprovement,
  feasibilityOf,
  hypervolumeGain,
} from '../../../../../coordinator/tuner/samplers/bayesian/acquisition.ts';
import { GaussianProcess, pointSet } from '../../../../../coordinator/tuner/samplers/bayesian/gaussian-process.ts';
import { standardisedViolations } from '../../../../../coordinator/tuner/samplers/bayesian/standardise.ts';
import { near } from '../../../../support/near.ts';
import { observed } from '../../../../support/observations.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';
import { reference } from '../../fixtures/reference.ts';

const { points, values, lengths, noise, rows } = reference.process;
const scales = { lengths: lengths.map(Math.log), noise: Math.log(noise) };
const nowhere = { full: undefined, start: undefined };

const processOf = (of: readonly number[]) =>
  new GaussianProcess(pointSet(points, new Uint8Array(2)), Float64Array.from(of), scales);

test('the logarithm of the expected improvement, of scikit-learn’s process in high precision', () => {
  const incumbents = points.map((point) => observed({ point }));
  const acquisition = expectedImprovement(processOf(values), incumbents, nowhere);
  for (const { point, logExpectedImprovement: expected } of rows) {
    near(acquisition(point, -Infinity), expected, 1e-9);
    // What is above the least that is of interest is told; what is not may be told as well, or not be worked out.
    assert.ok(acquisition(point, expected + 1e-6) <= expected + 1e-9);
    near(acquisition(point, expected - 1e-6), expected, 1e-9);
  }
});

test('what cannot be of interest, however uncertain it is, is not worked out', () => {
  const process = processOf(values);
  const acquisition = expectedImprovement(process, [observed({ point: points[3] as number[] })], nowhere);
  const point = [0.72, 0.35];
  const best = process.mean(points[3] as number[]);
  const most = logExpectedImprovement(best - process.mean(point), process.largestDeviation);
  assert.equal(acquisition(point, most), -Infinity);
  assert.ok(acquisition(point, most - 1e-9) > -Infinity);
});

test('only incumbents count as the best so far', () => {
  const far = [observed({ point: points[0] as number[] })];
  const acquisition = expectedImprovement(processOf(values), far, nowhere);
  // Against a best of 1.3, a mean of −1 improves by the difference.
  const { point, mean } = rows[0] as (typeof rows)[number];
  near(acquisition(point, -Infinity), Math.log(processOf(values).mean(points[0] as number[]) - mean), 1e-6);
});

test('the improvement is looked for at the full budget, as uncertain as where the trial starts', () => {
  // One dimension, and the place on the ladder as the last coordinate.
  const process = processOf(values);
  const incumbents = points.map((point) => observed({ point: [point[0] as number] }));
  const acquisition = expectedImprovement(process, incumbents, { full: 1, start: 0.2 });
  const best = Math.min(...points.map(([x]) => process.mean([x as number], 1)));
  const [x, start] = [[0.42], process.predict([0.42, 0.2]).deviation];
  near(acquisition(x, -Infinity), logExpectedImprovement(best - process.mean(x, 1), start), 1e-12);
});

test('the chance of being feasible is that of being nearer to none than to the smallest violation seen', () => {
  const violations = [0, 0.5, 2, 0, 1, 0.1, 4];
  const observations = points.map((point, i) => observed({ point, violation: violations[i] as number }));
  const standardised = standardisedViolations(observations);
  const process = processOf(standardised);
  const logChance = feasibilityOf(process, observations, nowhere);
  for (const { point } of rows) {
    const { mean, deviation } = process.predict(point);
    const z = ((standardised[0] as number) + 0.25 - mean) / deviation;
    near(logChance(point), logNormalCdf(z), 1e-9);
  }
});

test('where nothing was feasible, a chance is that of a deviation less than the least', () => {
  const observations = points.map((point, i) => observed({ point, violation: 1 + i }));
  const least = Math.min(...standardisedViolations(observations)) - 1;
  const process = processOf(standardisedViolations(observations));
  const { mean, deviation } = process.predict([0.42, 0.5]);
  const z = (least + 0.25 - mean) / deviation;
  near(feasibilityOf(process, observations, nowhere)([0.42, 0.5]), logNormalCdf(z), 1e-7);
});

test('the chance agrees with scikit-learn’s and scipy’s where the threshold is −0.4', () => {
  // Violations whose standardised values lie so that none + ¼ is that, after a shift.
  const process = processOf(values);
  const observations = points.map((point, i) => observed({ point, violation: i }));
  const shift = -0.4 - 0.25 - (standardisedViolations(observations)[0] as number);
  const shifted = {
    predict: (point: readonly number[]) => ({ ...process.predict(point), mean: process.mean(point) - shift }),
  } as unknown as GaussianProcess;
  const chance = feasibilityOf(shifted, observations, nowhere);
  for (const { point, logChance } of rows) near(chance(point), logChance, 1e-9);
});

test('the gain is the volume that an optimistic outcome adds, as pymoo works it out; else its distance from any', () => {
  const { front, reference: corner, rows: gains } = reference.gain;
  // Two processes that are certain of what they say: the outcome is the mean.
  const certain = (at: number) =>
    ({
      largestDeviation: 0,
      mean: (point: readonly number[]) => point[at] as number,
      deviation: () => 0,
    }) as unknown as GaussianProcess;
  const observations = front.map((losses, trialId) => observed({ trialId, losses }));
  const scaled = [0, 1].map((at) => front.map((values) => values[at] as number));
  // The reference lies as far as the first trials reached, or a tenth of the front's range beyond it.
  const acquisition = hypervolumeGain(
    [certain(0), certain(1)],
    [...observations, observed({ trialId: 3, losses: corner })],
    scaled.map((values, at) => [...values, corner[at] as number]),
    nowhere,
    scriptedRandom([0.5, 0.3]),
  );
  for (const { outcome, gain } of gains) {
    const value = acquisition(outcome, -Infinity);
    if (gain > 0) near(Math.exp(value), gain, 1e-9, `gain of ${outcome}`);
    else assert.ok(value < Math.log(1e-11), `gain of ${outcome}`);
  }
  // (0.5, 0.6) is dominated by (0.4, 0.5), by 0.1; (1.2, 0.1) lies 0.2 beyond the reference.
  near(acquisition([0.5, 0.6], -Infinity), Math.log(1e-12) - 0.1);
  near(acquisition([1.2, 0.1], -Infinity), Math.log(1e-12) - 0.2);
});

test('an outcome is as many deviations better than the mean as was drawn', () => {
  const { front, reference: corner } = reference.gain;
  const uncertain = (at: number, deviation: number) =>
    ({
      largestDeviation: 1,
      mean: (point: readonly number[]) => point[at] as number,
      deviation: (_: unknown, __: unknown, isWorthwhile: (most: number) => boolean) =>
        isWorthwhile(1) ? deviation : null,
    }) as unknown as GaussianProcess;
  const observations = [...front, corner].map((losses, trialId) => observed({ trialId, losses }));
  const scaled = [0, 1].map((at) => observations.map(({ losses }) => losses[at] as number));
  const processes = [uncertain(0, 0.1), uncertain(1, 0.2)];
  // −ln(1 − ½) deviations; the mean lies as far from (0.3, 0.3), whose gain is 0.11.
  const acquisition = hypervolumeGain(processes, observations, scaled, nowhere, scriptedRandom([0.5, 0.3]));
  const mean = [0.3 + 0.1 * Math.LN2, 0.3 + 0.2 * Math.LN2];
  near(Math.exp(acquisition(mean, -Infinity)), 0.11, 1e-9);
  // The most that it could be is of no interest.
  assert.equal(acquisition(mean, 10), -Infinity);
});
