/** Trials on the Pareto front of a study's objectives. */

import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { lossesOf, termsKnownTo } from '@edgetune/shared/domain/objective-terms.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';

type Objectives = Pick<StudySpec, 'objectives' | 'devices'>;

/** Ids of the feasible trials that no other feasible trial dominates; of which a device has not answered that others know, none. */
export function frontTrialIds(spec: Objectives, trials: readonly TrialView[]): number[] {
  const feasible = trials.filter(
    ({ violation, status }) => violation === 0 && status !== 'infeasible' && status !== 'failed',
  );
  const terms = termsKnownTo(
    spec.objectives,
    spec.devices,
    feasible.map(({ metrics }) => metrics),
  );
  const entries = feasible.flatMap(({ trialId, metrics }) => {
    const losses = lossesOf(terms, metrics);
    return losses ? [{ trialId, losses }] : [];
  });
  return paretoFront(entries.map(({ losses }) => losses)).map(
    (index) => (entries[index] as { trialId: number }).trialId,
  );
}
