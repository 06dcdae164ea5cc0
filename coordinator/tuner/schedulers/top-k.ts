import type { Observation } from '../observation.ts';
import { Rung } from './rung.ts';
import type { Scheduler, SchedulerOptions, Situation, Step } from './scheduler.ts';

/**
 * Top-K after one epoch: every trial gets the lowest budget; when no more are started and all are told, the best 1/η
 * of them get the whole one. (A baseline that is hard to beat: Egele et al., "Is One Epoch All You Need For
 * Multi-Fidelity Hyperparameter Optimization?", 2023, https://arxiv.org/abs/2307.15422.)
 */
export class TopKScheduler implements Scheduler {
  readonly #first: Rung;
  readonly #reductionFactor: number;
  /** Who goes on, settled once. */
  #winners: number[] | null = null;

  constructor({ objectives, reductionFactor }: SchedulerOptions) {
    this.#first = new Rung(objectives);
    this.#reductionFactor = reductionFactor;
  }

  next({ canStart }: Situation): Step {
    if (this.#winners === null && canStart) return { kind: 'start', bracket: 0 };
    if (this.#first.outstanding.size > 0) return { kind: 'wait' };
    const trialId = (this.#winners ?? this.#best())[this.#first.promoted];
    return trialId === undefined ? { kind: 'wait' } : { kind: 'promote', trialId };
  }

  #best(): number[] {
    const share = Math.floor(this.#first.size / this.#reductionFactor + 1e-9);
    return this.#first.winners(Math.max(this.#first.firstEligible(), share));
  }

  asked(trialId: number, rung: number) {
    if (rung === 0) {
      this.#first.outstanding.add(trialId);
      return;
    }
    this.#winners ??= this.#best();
    this.#first.promote(trialId);
  }

  told(observation: Observation, rung: number) {
    if (rung === 0) this.#first.told(observation);
  }

  amended(before: Observation, after: Observation, rung: number) {
    if (rung === 0) this.#first.amended(before, after);
  }

  /** @throws {RangeError} always: it has one epoch and the whole budget, and the second phase builds on the first */
  raise() {
    throw new RangeError('a search of two rungs cannot be extended by more epochs');
  }
}
