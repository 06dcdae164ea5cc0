/** Trials on the Pareto front of a study's objectives. */

import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { lossesOf, objectiveTerms } from '@edgetune/shared/domain/objective-terms.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';

type Objectives = Pick<StudySpec, 'objectives' | 'devices'>;

/** Ids of the feasible trials that no other feasible trial dominates. */
export function frontTrialIds(spec: Objectives, trials: readonly TrialView[]): number[] {
  const terms = objectiveTerms(spec.objectives, spec.devices);
  const entries = trials.flatMap(({ trialId, metrics, violation, status }) => {
    const losses = violation === 0 && status !== 'infeasible' && status !== 'failed' ? lossesOf(terms, metrics) : null;
    return losses ? [{ trialId, losses }] : [];
  });
  return paretoFront(entries.map(({ losses }) => losses)).map(
    (index) => (entries[index] as { trialId: number }).trialId,
  );
}
