/** How good it would be to try a point, by what Gaussian processes predict. */

import { type Point, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { logExpectedImprovement } from '@edgetune/shared/math/expected-improvement.ts';
import { logNormalCdf } from '@edgetune/shared/math/normal.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import type { Observation } from '../../observation.ts';
import { MOST_EXACT, referencePoint, volumeGain } from '../../pareto.ts';
import type { SpacePoint } from '../../space.ts';
import type { GaussianProcess } from './gaussian-process.ts';
import { earliest, quantile, standardisedViolations } from './standardise.ts';

/**
 * Larger is better. Only what is above `least` is of interest: −∞ stands for anything that is not, which is often known
 * before the prediction is complete.
 */
export type Acquisition = (point: SpacePoint, least: number) => number;

/** Where on the ladder of budgets predictions are made, as the process's last coordinate; undefined where it has none. */
export interface Places {
  full: number | undefined;
  /** Where the trial starts. */
  start: number | undefined;
}

/**
 * Logarithm of the expected improvement (Jones et al. 1998) of the predicted value at the full budget, as uncertain as
 * it is at the level where the trial starts: what no start at that level can tell must not draw trial after trial to
 * one place.
 */
export function expectedImprovement(
  process: GaussianProcess,
  incumbents: readonly Observation[],
  { full, start }: Places,
): Acquisition {
  const best = Math.min(...incumbents.map(({ point }) => process.mean(point, full)));
  return (point, least) => {
    const gap = best - process.mean(point, full);
    if (logExpectedImprovement(gap, process.largestDeviation) <= least) return -Infinity;
    const deviation = process.deviation(point, start, (most) => logExpectedImprovement(gap, most) > least);
    return deviation === null ? -Infinity : logExpectedImprovement(gap, deviation);
  };
}

/**
 * Logarithm of the hypervolume that an optimistic outcome would add (SMS-EGO, Ponweiser et al. 2008), where it adds
 * none, minus how far it is from that. How optimistic — the mean less so many standard deviations — is drawn anew for
 * each decision (Berk et al., "Randomised Gaussian process upper confidence bound", IJCAI 2020), and so is how far
 * beyond the front an outcome may lie: near the front every other time, else as far as the first trials reached, lest
 * a part of the front behind a gap stays unseen.
 */
export function hypervolumeGain(
  processes: readonly GaussianProcess[],
  observations: readonly Observation[],
  scaled: readonly (readonly number[])[],
  { full }: Places,
  random: Random,
): Acquisition {
  const optimism = random.exponential();
  const top = Math.max(...observations.filter(({ violation }) => violation === 0).map(({ level }) => level));
  const reached = observations.flatMap(({ violation, level }, i) =>
    violation === 0 && level === top ? [scaled.map((values) => values[i] as number)] : [],
  );
  const front = paretoFront(reached).map((index) => reached[index] as number[]);
  const early = new Set(earliest(observations));
  const reach = random.uniform() < 0.5 ? 1 : 0.5;
  const first = scaled.map((values) =>
    quantile(
      values.filter((_, i) => early.has(observations[i] as Observation)),
      reach,
    ),
  );
  const reference = referencePoint(front).map((value, i) => Math.max(value, first[i] as number));
  const gainOf = volumeGain(front, reference);
  // An estimate costs more than what is left of a deviation.
  const isCostly = processes.length > MOST_EXACT;
  const worthOf = (outcome: Point) => {
    const gained = gainOf(outcome);
    return gained > 1e-12 ? Math.log(gained) : Math.log(1e-12) - Math.max(0, shiftPast(front, outcome, reference));
  };
  return (point, least) => {
    const means = processes.map((process) => process.mean(point, full));
    const outcome = means.map((mean, i) => mean - optimism * (processes[i] as GaussianProcess).largestDeviation);
    if (worthOf(outcome) <= least) return -Infinity;
    for (const [i, process] of processes.entries()) {
      const deviation = process.deviation(point, full, (most) => {
        if (isCostly) return true;
        outcome[i] = (means[i] as number) - optimism * most;
        return worthOf(outcome) > least;
      });
      if (deviation === null) return -Infinity;
      outcome[i] = (means[i] as number) - optimism * deviation;
    }
    return worthOf(outcome);
  };
}

/** The least shift that would bring an outcome past the front and the reference. */
function shiftPast(front: readonly Point[], outcome: Point, reference: Point): number {
  let shift = -Infinity;
  for (let i = 0; i < outcome.length; i++) shift = Math.max(shift, (outcome[i] as number) - (reference[i] as number));
  for (const member of front) {
    let least = Infinity;
    for (let i = 0; i < outcome.length; i++) least = Math.min(least, (outcome[i] as number) - (member[i] as number));
    shift = Math.max(shift, least);
  }
  return shift;
}

/** Logarithm of the probability that the violation is nearer to none than to the smallest seen: at most 0. */
export function feasibilityOf(
  process: GaussianProcess,
  observations: readonly Observation[],
  { full }: Places,
): (point: SpacePoint) => number {
  const values = standardisedViolations(observations);
  const none = values[observations.findIndex(({ violation }) => violation === 0)] ?? Math.min(...values) - 1;
  return (point) => {
    const { mean, deviation } = process.predict(point, full);
    return logNormalCdf((none + 0.25 - mean) / deviation);
  };
}
