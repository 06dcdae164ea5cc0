/** What counts of a study's trials, from its events, and which of them are on the front (coordinator/tuner/front.ts). */

import type { Constraint } from '@edgetune/shared/domain/objective.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { frontOf, type TrialStanding } from '../../tuner/front.ts';
import { inferenceTimingOf, searchedObjectives } from '../../tuner/mode.ts';
import { trialViolation } from './trial-metrics.ts';

type EventOf<T extends StudyEventBody['type']> = Extract<StudyEventBody, { type: T }>;

/** A trial as it was told last at a rung that says something of it. */
interface Known extends TrialStanding {
  trialId: number;
  rung: number;
  /** A device or the graph has refused it, whatever the constraints that were missed. */
  isRefused: boolean;
  candidate: Candidate;
  /** Of its training after the search; null where there was none. */
  trainedOn: Metrics | null;
}

type Recommended = Pick<RecommendedModel, 'trialId' | 'feasible'>;

export class TrialFront {
  readonly #candidates = new Map<number, Candidate>();
  readonly #known = new Map<number, Known>();

  asked({ trialId, candidate }: EventOf<'trial-asked'>): void {
    this.#candidates.set(trialId, candidate);
  }

  /** What failed or was stopped says nothing: what was told of a lower rung counts on. */
  told({ trialId, rung, status, metrics, predicted, violation }: EventOf<'trial-told'>): void {
    if (status !== 'ok' && status !== 'infeasible') return;
    const candidate = this.#candidates.get(trialId) ?? {};
    const isRefused = status === 'infeasible';
    this.#known.set(trialId, { trialId, rung, isRefused, candidate, metrics, predicted, violation, trainedOn: null });
  }

  amended({ trialId, rung, metrics, violation, withdrawn = [] }: EventOf<'trial-amended'>): void {
    const known = this.#known.get(trialId);
    if (known?.rung !== rung) return;
    const isKept = (name: string) => !withdrawn.includes(name);
    const kept = Object.entries(known.metrics).filter(([name]) => isKept(name));
    this.#known.set(trialId, {
      ...known,
      metrics: { ...Object.fromEntries(kept), ...metrics },
      predicted: known.predicted.filter((name) => !Object.hasOwn(metrics, name) && isKept(name)),
      violation,
    });
  }

  /** After the search: what is recommended is trained to its end. */
  trainedOn({ trialId, metrics }: EventOf<'training-finished'>): void {
    const known = this.#known.get(trialId);
    if (known) this.#known.set(trialId, { ...known, trainedOn: metrics });
  }

  /** @param recommended what is recommended is as feasible as it was found when its trained model was measured */
  trialIds(
    spec: Pick<StudySpec, 'objectives' | 'devices' | 'constraints' | 'stop' | 'tuner' | 'space'>,
    recommended: readonly Recommended[],
  ): number[] {
    const { mode } = spec.tuner;
    const objectives = searchedObjectives(mode, spec.objectives);
    // A mode that leaves the devices for the end knows no constraints before.
    const constraints = inferenceTimingOf(mode) === 'at-the-end' ? null : spec.constraints;
    const trials = [...this.#known.values()].map((known): Known => {
      const model = recommended.find(({ trialId }) => trialId === known.trialId);
      const metrics = { ...known.metrics, ...known.trainedOn };
      const missed = () => (constraints === null ? violationOf(known) : violationAfter(known, metrics, constraints));
      const violation = model && constraints ? (model.feasible ? 0 : Number.MIN_VALUE) : missed();
      return { ...known, metrics, violation };
    });
    const compared = mode === 'hierarchical' ? withoutRepetitions(spec.space, trials) : trials;
    return frontOf({ ...spec, objectives }, compared).map(({ trial }) => trial.trialId);
  }
}

function violationOf({ isRefused, violation }: Known): number {
  return isRefused ? Math.max(violation, Number.MIN_VALUE) : violation;
}

/** With the metrics after all its training: of what a trial missed before, it may keep what is on accuracy and costs, or miss it now. */
function violationAfter(known: Known, metrics: Metrics, constraints: readonly Constraint[]): number {
  if (known.trainedOn === null) return violationOf(known);
  const [before, now] = [trialViolation(constraints, known.metrics), trialViolation(constraints, metrics)];
  const isMetNow = now === 0 && !known.isRefused && known.violation <= before;
  return isMetNow ? 0 : Math.max(violationOf(known), now);
}

/** The second phase of `hierarchical` trains the best anew with other system parameters, for the time that takes. */
function withoutRepetitions(space: StudySpec['space'], trials: readonly Known[]): Known[] {
  const system = Object.keys(space?.system ?? {});
  const seen = new Set<string>();
  return [...trials]
    .sort((a, b) => a.trialId - b.trialId)
    .filter(({ candidate }) => {
      const searched = Object.entries(candidate).filter(([name]) => !system.includes(name));
      const key = JSON.stringify(searched.sort(([a], [b]) => (a < b ? -1 : 1)));
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    });
}
