/**
 * Whether a budget's order of trials says anything about their order at the next higher budget: Kendall's τ over the
 * trials that have seen both (of one objective). It decides where new trials start, as the precision of a bracket does in
 * Hyper-Tune (Li et al., VLDB 2022), from pairs of neighbours, which are known early.
 */
import type { Observation } from '../observation.ts';

/** Trials that must have seen both budgets before their order is judged. */
const LEAST_TRIALS = 6;
/** Below it, the order is taken to say nothing. The promoted are the best of the lower budget, where τ is small anyway. */
const LEAST_TAU = 0;

export class Agreement {
  readonly #below = new Map<number, number>();
  readonly #above = new Map<number, number>();

  toldBelow({ trialId, losses }: Observation) {
    if (losses.length === 1) this.#below.set(trialId, losses[0] as number);
  }

  toldAbove({ trialId, losses }: Observation) {
    if (losses.length === 1 && this.#below.has(trialId)) this.#above.set(trialId, losses[0] as number);
  }

  /** True until there is evidence against it. */
  get isTrusted(): boolean {
    const pairs = [...this.#above].map(([trialId, above]) => [this.#below.get(trialId) as number, above] as const);
    return pairs.length < LEAST_TRIALS || kendall(pairs) > LEAST_TAU;
  }
}

/** Kendall's τ-a: the share of concordant pairs less that of discordant ones. */
export function kendall(pairs: readonly (readonly [number, number])[]): number {
  let sum = 0;
  for (const [index, [a, b]] of pairs.entries())
    for (const [c, d] of pairs.slice(index + 1)) sum += Math.sign((a - c) * (b - d));
  return (2 * sum) / (pairs.length * (pairs.length - 1));
}
