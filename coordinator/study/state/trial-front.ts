/** Trials on the Pareto front of a study's objectives, and an order of models by them. */

import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { lossesOf, objectiveTerms } from '@edgetune/shared/domain/objective-terms.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
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

/** Scores closer than this are equal. */
const SAME_SCORE = 1e-6;

/**
 * Best first: feasible before infeasible, then by the mean of the objectives, each scaled to the range that the items
 * span. With opposing objectives that is the knee: far from the worst in all of them. Between equals (two items are
 * always equal) the objective that the study names first decides.
 */
export function rankByObjectives<T>(
  spec: Objectives,
  items: readonly { item: T; metrics: Metrics; feasible: boolean }[],
): T[] {
  const terms = objectiveTerms(spec.objectives, spec.devices);
  const losses = items.map(({ metrics }) => lossesOf(terms, metrics));
  const ranges = terms.map((_, term) => {
    const values = losses.flatMap((loss) => loss?.[term] ?? []);
    return { low: Math.min(...values), width: Math.max(...values) - Math.min(...values) };
  });
  const score = (index: number) =>
    losses[index]?.reduce((sum, loss, term) => {
      const { low, width } = ranges[term] as { low: number; width: number };
      return sum + (width > 0 ? (loss - low) / width : 0);
    }, 0) ?? Infinity;
  return items
    .map((entry, index) => ({ ...entry, score: score(index), first: losses[index]?.[0] }))
    .sort(
      (a, b) =>
        Number(b.feasible) - Number(a.feasible) ||
        (Math.abs(a.score - b.score) > SAME_SCORE ? a.score - b.score : 0) ||
        (a.first ?? 0) - (b.first ?? 0),
    )
    .map(({ item }) => item);
}
