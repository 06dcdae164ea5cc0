/** How long trials take, against others at the same level of the ladder. */
import type { Observation } from '../observation.ts';

/**
 * Per observation: the logarithm of its seconds ÷ their geometric mean at its level; 0 where they are not known.
 */
export function logPrices(observations: readonly Observation[]): number[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { level, seconds } of observations) {
    if (!(seconds > 0) || seconds === Infinity) continue;
    const { sum, count } = sums.get(level) ?? { sum: 0, count: 0 };
    sums.set(level, { sum: sum + Math.log(seconds), count: count + 1 });
  }
  return observations.map(({ level, seconds }) => {
    const known = sums.get(level);
    return known && seconds > 0 && seconds < Infinity ? Math.log(seconds) - known.sum / known.count : 0;
  });
}
