/**
 * What "on the front" means, for the tuner, studies, pages and reports alike: of the trials that meet the constraints (and
 * where some have reached the target, of those), none is at least as good in every objective and better in one. Each counts
 * with what is known of it last. A device of which nothing is known of any of them decides nothing; what is known of
 * some, the others must know. Studies leave out devices that they do not wait for any more.
 */
import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { lossesOf, termsKnownTo } from '@edgetune/shared/domain/objective-terms.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import { isFeasible } from './observation.ts';
import { isTargetReached, type StopCriteria } from './stop-rule.ts';

export interface FrontProblem extends Pick<StudySpec, 'objectives'> {
  devices: readonly string[];
  stop?: Pick<StopCriteria, 'target'> | undefined;
}

/** What counts of a trial. */
export interface TrialStanding {
  metrics: Metrics;
  /** Names of metrics that are predictions. */
  predicted: readonly string[];
  /** Sum of relative violations of the constraints; 0: it meets them. */
  violation: number;
  /** Names of metrics that constraints limit and nobody knows: whether it meets them is not known. Absent: none. */
  undecided?: readonly string[];
}

/** In their order, with the values of the objectives' terms as told (not negated). */
export function frontOf<T extends TrialStanding>(
  { objectives, devices, stop }: FrontProblem,
  trials: readonly T[],
): { trial: T; values: number[] }[] {
  const feasible = trials.filter(isFeasible);
  const reached = feasible.filter((trial) => isTargetReached(stop?.target ?? [], devices, trial));
  const eligible = reached.length > 0 ? reached : feasible;
  const terms = termsKnownTo(
    objectives,
    devices,
    eligible.map(({ metrics }) => metrics),
  );
  const compared = eligible.flatMap((trial) => {
    const losses = lossesOf(terms, trial.metrics);
    return losses ? [{ trial, losses }] : [];
  });
  return paretoFront(compared.map(({ losses }) => losses)).map((index) => {
    const { trial } = compared[index] as (typeof compared)[number];
    return { trial, values: terms.map((term) => term.valueOf(trial.metrics) as number) };
  });
}
