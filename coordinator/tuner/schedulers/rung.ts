/** The trials of one rung, and which of them may go on. */
import { createRanking, isEligible, type Observation, type Ranking } from '../observation.ts';

export class Rung {
  /** Trials that were asked for this rung and are not told. */
  readonly outstanding = new Set<number>();
  readonly #promoted = new Set<number>();
  readonly #ranking: Ranking;
  #cost = 0;

  constructor(objectives: number) {
    this.#ranking = createRanking(objectives);
  }

  /** Trials told. */
  get size(): number {
    return this.#ranking.size;
  }
  get promoted(): number {
    return this.#promoted.size;
  }
  /** What the told trials have cost in all. */
  get cost(): number {
    return this.#cost;
  }

  told(observation: Observation) {
    this.outstanding.delete(observation.trialId);
    this.#ranking.add(observation);
    this.#cost += observation.cost;
  }

  amended(before: Observation, after: Observation) {
    this.#ranking.remove(before);
    this.#ranking.add(after);
  }

  promote(trialId: number) {
    this.#promoted.add(trialId);
  }

  isPromoted(trialId: number): boolean {
    return this.#promoted.has(trialId);
  }

  /** The best trial among the top `quota` that is eligible and was not promoted yet, if any. */
  promotable(quota: number): number | null {
    if (quota <= 0) return null;
    for (const observation of this.#top(quota))
      if (!this.#promoted.has(observation.trialId) && isEligible(observation)) return observation.trialId;
    return null;
  }

  /** The smallest quota that lets a trial go on; 0 where none may. */
  firstEligible(): number {
    return this.#top(this.size).findIndex(isEligible) + 1;
  }

  /** The eligible among the top `quota`, best first. */
  winners(quota: number): number[] {
    return this.#top(quota)
      .filter(isEligible)
      .map(({ trialId }) => trialId);
  }

  #top(quota: number): readonly Observation[] {
    return this.#ranking.top(quota);
  }
}
