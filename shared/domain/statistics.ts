/** Summary statistics of latencies. */
import { percentileBound } from './early-stopping.ts';
import type { LatencyStatistics } from './measurement.ts';

/**
 * Quantile of ascending values by linear interpolation between order statistics
 * (type 7 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", 1996).
 */
export function quantileOfSorted(sorted: ArrayLike<number>, probability: number): number {
  if (sorted.length === 0) throw new RangeError('a quantile needs at least one value');
  const position = probability * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  const low = sorted[below] as number;
  return low + ((sorted[above] as number) - low) * (position - below);
}

/** Smallest count for which an order-statistic interval of the median reaches 95 % (2 · 0.5⁶ < 0.05). */
const SMALLEST_EXACT_COUNT = 6;
/** From here on the normal approximation of the binomial is used. */
const LARGE_COUNT = 71;

/**
 * Ranks (zero-based) of the order statistics that bound the median with at least 95 % confidence, without assuming a
 * distribution: J.-Y. Le Boudec, "Performance Evaluation of Computer and Communication Systems", 2010, theorem 2.1
 * and appendix A. With fewer than six values no such interval exists: the whole range is returned.
 */
export function medianIntervalRanks(count: number): [low: number, high: number] {
  if (count < SMALLEST_EXACT_COUNT) return [0, Math.max(0, count - 1)];
  if (count >= LARGE_COUNT) {
    const low = Math.max(1, Math.floor(count / 2 - 0.98 * Math.sqrt(count)));
    return [low - 1, count - low];
  }
  let mass = 0.5 ** count;
  let below = 0;
  let rank = 0;
  while (below + mass <= 0.025) {
    below += mass;
    rank += 1;
    mass = (mass * (count - rank + 1)) / rank;
  }
  return [rank - 1, count - rank];
}

/**
 * Summarises latencies in milliseconds, in any order; the input is not changed.
 * @throws {RangeError} where there is no sample, or one is not a finite number.
 */
export function summariseLatencies(samplesMs: ArrayLike<number>): LatencyStatistics {
  const sorted = Float64Array.from(samplesMs).sort();
  const count = sorted.length;
  if (count === 0) throw new RangeError('latency statistics need at least one sample');
  let sum = 0;
  for (const sample of sorted) sum += sample;
  if (!Number.isFinite(sum)) throw new RangeError('a latency sample is not a finite number');
  const mean = sum / count;
  let squares = 0;
  for (const sample of sorted) squares += (sample - mean) ** 2;
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const [low, high] = medianIntervalRanks(count);
  return {
    count,
    mean,
    cv: mean > 0 ? deviation / mean : 0,
    min: sorted[0] as number,
    p50: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    p95: quantileOfSorted(sorted, 0.95),
    p99: quantileOfSorted(sorted, 0.99),
    p999: quantileOfSorted(sorted, 0.999),
    max: sorted[count - 1] as number,
    p90Bound: percentileBound(sorted, 0.9),
    p99Bound: percentileBound(sorted, 0.99),
    p50Interval: [sorted[low] as number, sorted[high] as number],
  };
}
