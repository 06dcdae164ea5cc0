/** What a study's search has found over time, and which parameters mattered. */

import { lossesOf, termsKnownTo } from '@edgetune/shared/domain/objective-terms.ts';
import { type Contender, createPreference } from '@edgetune/shared/domain/preference.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { StudyDetail, TrialView } from '@edgetune/shared/protocol/http.ts';
import { hypervolumeHistory } from '../../tuner/hypervolume-history.ts';
import { parameterImportance } from '../../tuner/importance.ts';
import { boundsOf, referencePoint } from '../../tuner/pareto.ts';

/** A rung as it was told, with what was amended since. */
export interface ToldRung {
  trialId: number;
  rung: number;
  at: string;
  status: 'ok' | 'infeasible' | 'failed' | 'stopped';
  metrics: Metrics;
  violation: number;
}

/** The exact hypervolume of more takes too long. */
const MOST_OBJECTIVES = 4;

type Insighted = Pick<StudySpec, 'objectives' | 'devices' | 'space' | 'prefer'>;

export function searchInsight(
  spec: Insighted,
  told: readonly ToldRung[],
  trials: readonly TrialView[],
): StudyDetail['search'] {
  const isFeasible = ({ status, violation }: ToldRung) => status === 'ok' && violation === 0;
  const known = told.filter(isFeasible).map(({ metrics }) => metrics);
  const terms = termsKnownTo(spec.objectives, spec.devices, known);
  const losses = told.map((rung) => (isFeasible(rung) ? lossesOf(terms, rung.metrics) : null));
  return {
    hypervolume: terms.length > MOST_OBJECTIVES ? null : hypervolumeOverTime(told, losses),
    importance: importanceOf(spec, told, losses, trials),
  };
}

/** Where it changed, and how it is now: as shares of the box from the best of each objective to a bit beyond the worst. */
function hypervolumeOverTime(told: readonly ToldRung[], losses: readonly (number[] | null)[]) {
  const known = losses.filter((loss) => loss !== null);
  const reference = referencePoint(known);
  const box = boundsOf(known).reduce((product, [low], i) => product * ((reference[i] as number) - low), 1);
  const shares = hypervolumeHistory(losses, reference).map((volume) => Math.min(1, volume / box));
  return told.flatMap(({ trialId, rung, at }, i) => {
    const share = shares[i] as number;
    if (known.length === 0 || (share === (shares[i - 1] ?? 0) && i < told.length - 1)) return [];
    return [{ trialId, rung, at, share }];
  });
}

/** By each trial's highest rung: PED-ANOVA over the order of preference. */
function importanceOf(
  spec: Insighted,
  told: readonly ToldRung[],
  losses: readonly (number[] | null)[],
  trials: readonly TrialView[],
) {
  const { space } = spec;
  if (!space) return [];
  const highest = new Map<number, Contender<number>>();
  for (const [i, { trialId, metrics }] of told.entries())
    if (losses[i]) highest.set(trialId, { item: trialId, violation: 0, metrics });
  const candidates = new Map(trials.map(({ trialId, candidate }) => [trialId, candidate]));
  const bestFirst = createPreference(spec).rank([...highest.values()]);
  const valued = bestFirst.flatMap((trialId, place) => {
    const candidate = candidates.get(trialId);
    return candidate ? [{ candidate, value: place }] : [];
  });
  const shares = parameterImportance(parametersOf(space, ['model', 'training', 'system']), valued);
  // Where too little is known all are 0: that is no finding.
  return shares.some(({ share }) => share > 0) ? shares : [];
}
