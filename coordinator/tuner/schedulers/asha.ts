/**
 * Asynchronous successive halving by promotion (Li et al., "A System for Massively Parallel Hyperparameter Tuning",
 * MLSys 2020): whenever a trial is among the best 1/η of what its rung has seen, it may go on at once.
 */
import type { Observation } from '../observation.ts';
import { Rung } from './rung.ts';
import type { Scheduler, SchedulerOptions, Situation, Step } from './scheduler.ts';

export class AshaScheduler implements Scheduler {
  readonly #rungs: Rung[];
  readonly #options: SchedulerOptions;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#rungs = Array.from({ length: options.levels }, () => new Rung(options.objectives));
  }

  next({ canStart, outstanding }: Situation): Step {
    const trialId = this.#promotable(!canStart && outstanding === 0);
    if (trialId !== null) return { kind: 'promote', trialId };
    return canStart ? { kind: 'start', bracket: 0 } : { kind: 'wait' };
  }

  /** From the highest rung down. When nothing can be started any more, one trial at least goes on from each rung. */
  #promotable(closing: boolean): number | null {
    for (let index = this.#rungs.length - 2; index >= 0; index--) {
      const rung = this.#rungs[index] as Rung;
      const least = closing && rung.promoted === 0 ? rung.firstEligible() : 0;
      const trialId = rung.promotable(Math.max(least, this.#quota(rung, this.#rungs[index + 1] as Rung)));
      if (trialId !== null) return trialId;
    }
    return null;
  }

  /** How many of a rung may go on: 1/η of them, or as many as make the rung above cost as much as this one. */
  #quota(rung: Rung, above: Rung): number {
    const { costAware, reductionFactor } = this.#options;
    if (!costAware || above.cost === 0) return Math.floor(rung.size / reductionFactor + 1e-9);
    return Math.min(Math.floor(rung.size / 2), Math.floor(rung.cost / (above.cost / above.size)));
  }

  asked(trialId: number, rung: number) {
    if (rung > 0) this.#rungs[rung - 1]?.promote(trialId);
    this.#rungs[rung]?.outstanding.add(trialId);
  }

  told(observation: Observation, rung: number) {
    this.#rungs[rung]?.told(observation);
  }

  amended(before: Observation, after: Observation, rung: number) {
    this.#rungs[rung]?.amended(before, after);
  }
}
