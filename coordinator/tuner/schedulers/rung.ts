/** The trials of one rung, and which of them may go on. */
import { createRanking, type Observation, type Ranking } from '../observation.ts';
import type { Result } from './scheduler.ts';

export class Rung {
  /** Trials that were asked for this rung and are not told. */
  readonly outstanding = new Set<number>();
  readonly #results = new Map<number, Result>();
  readonly #promoted = new Set<number>();
  readonly #ranking: Ranking;
  #cost = 0;

  constructor(objectives: number) {
    this.#ranking = createRanking(objectives);
  }

  /** Trials told. */
  get size(): number {
    return this.#results.size;
  }
  get promoted(): number {
    return this.#promoted.size;
  }
  /** What the told trials have cost in all. */
  get cost(): number {
    return this.#cost;
  }

  told(result: Result) {
    this.outstanding.delete(result.observation.trialId);
    this.#results.set(result.observation.trialId, result);
    this.#ranking.add(result.observation);
    this.#cost += result.cost;
  }

  amended(result: Result) {
    const { trialId } = result.observation;
    this.#ranking.remove((this.#results.get(trialId) as Result).observation);
    this.#results.set(trialId, result);
    this.#ranking.add(result.observation);
  }

  promote(trialId: number) {
    this.#promoted.add(trialId);
  }

  /** The best trial among the top `quota` that is eligible and was not promoted yet, if any. */
  promotable(quota: number): number | null {
    if (quota <= 0) return null;
    for (const { trialId } of this.#top(quota))
      if (!this.#promoted.has(trialId) && this.#results.get(trialId)?.eligible) return trialId;
    return null;
  }

  /** The smallest quota that lets a trial go on; 0 where none may. */
  firstEligible(): number {
    return this.#top(this.size).findIndex(({ trialId }) => this.#results.get(trialId)?.eligible) + 1;
  }

  /** The eligible among the top `quota`, best first. */
  winners(quota: number): number[] {
    return this.#top(quota).flatMap(({ trialId }) => (this.#results.get(trialId)?.eligible ? [trialId] : []));
  }

  #top(quota: number): readonly Observation[] {
    return this.#ranking.top(quota);
  }
}
