/** How long trials take, against others at the same level of the ladder. */
import type { Observation } from '../../observation.ts';

/** Null where it is not known. */
const logOf = (seconds: number) => (seconds > 0 && seconds < Infinity ? Math.log(seconds) : null);

/**
 * Per observation: the logarithm of its seconds ÷ their geometric mean at its level; 0 where they are not known.
 */
export function logPrices(observations: readonly Observation[]): number[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { level, seconds } of observations) {
    const log = logOf(seconds);
    if (log === null) continue;
    const { sum, count } = sums.get(level) ?? { sum: 0, count: 0 };
    sums.set(level, { sum: sum + log, count: count + 1 });
  }
  return observations.map(({ level, seconds }) => {
    const [log, known] = [logOf(seconds), sums.get(level)];
    return log === null || !known ? 0 : log - known.sum / known.count;
  });
}
