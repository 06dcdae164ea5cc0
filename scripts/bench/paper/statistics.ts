/** Medians with bootstrap intervals, of one mode and of two modes against each other. */
import { keyedRandom } from '@edgetune/shared/math/random.ts';

export type Interval = [low: number, high: number];

const RESAMPLES = 2000;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] as number)) / 2;
}

/** 95 % percentile interval of a statistic over resampled indices 0 … count−1 (seeds are drawn whole: runs of one seed stay paired). */
export function bootstrap(count: number, statistic: (indices: readonly number[]) => number): Interval {
  const random = keyedRandom(95, count);
  const values = Array.from({ length: RESAMPLES }, () =>
    statistic(Array.from({ length: count }, () => random.below(count))),
  ).sort((a, b) => a - b);
  return [values[Math.floor(0.025 * RESAMPLES)] as number, values[Math.ceil(0.975 * RESAMPLES) - 1] as number];
}

/** The median of the values at some indices. */
export const medianAt = (values: readonly number[], indices: readonly number[]) =>
  median(indices.map((index) => values[index] as number));
