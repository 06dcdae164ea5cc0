/**
 * Whether a budget's order of trials says anything about their order at the next higher budget: Kendall's τ over the
 * trials that have seen both (of one objective). It decides where new trials start, as the precision of a bracket does in
 * Hyper-Tune (Li et al., VLDB 2022), from pairs of neighbours, which are known early.
 */
import { normalCdf } from '@edgetune/shared/math/normal.ts';
import type { Observation } from '../observation.ts';

/** Trials that must have seen both budgets before their order is judged, and the latest so many that are judged. */
const LEAST_TRIALS = 6;
const MOST_TRIALS = 24;
/**
 * Standard deviations by which τ is taken to be too small: the promoted are the best of the lower budget, and among
 * those τ is about 0 even where the order of all is worth much.
 */
const ALLOWANCE = 1;

export class Agreement {
  readonly #below = new Map<number, number>();
  /** Of the latest trials that have seen both budgets. */
  readonly #pairs = new Map<number, readonly [below: number, above: number]>();
  #doubt = 0;

  /** Probability that the order is worth nothing (τ < 0): 0 until enough trials have seen both budgets. */
  get doubt(): number {
    return this.#doubt;
  }

  toldBelow({ trialId, losses: [loss, ...others] }: Observation) {
    if (loss === undefined || others.length > 0) return;
    this.#below.set(trialId, loss);
    const pair = this.#pairs.get(trialId);
    if (pair) this.#paired(trialId, [loss, pair[1]]);
  }

  toldAbove({ trialId, losses: [loss] }: Observation) {
    const below = this.#below.get(trialId);
    if (loss !== undefined && below !== undefined) this.#paired(trialId, [below, loss]);
  }

  #paired(trialId: number, pair: readonly [number, number]) {
    this.#pairs.set(trialId, pair);
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size > MOST_TRIALS && oldest !== undefined) this.#pairs.delete(oldest);
    const count = this.#pairs.size;
    if (count < LEAST_TRIALS) return;
    const standardised = kendall([...this.#pairs.values()]) / kendallDeviation(count);
    this.#doubt = normalCdf(-(standardised + ALLOWANCE));
  }
}

/** Standard deviation of Kendall's τ of two orders that have nothing to do with each other (Kendall, Biometrika 1938). */
export function kendallDeviation(count: number): number {
  return Math.sqrt((2 * (2 * count + 5)) / (9 * count * (count - 1)));
}

/** Kendall's τ-a: the share of concordant pairs less that of discordant ones. */
export function kendall(pairs: readonly (readonly [number, number])[]): number {
  let sum = 0;
  for (const [index, [a, b]] of pairs.entries())
    for (const [c, d] of pairs.slice(index + 1)) sum += Math.sign((a - c) * (b - d));
  return (2 * sum) / (pairs.length * (pairs.length - 1));
}
