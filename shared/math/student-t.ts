/** Student's t: how many deviations hold 95 % where the deviation itself is estimated. */
import { normalQuantile } from './normal.ts';

/**
 * Two-sided 95 % quantile (Abramowitz & Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5): within 4 % from three
 * degrees of freedom on. Fewer than one count as one.
 */
export function studentQuantile95(freedom: number): number {
  const z = normalQuantile(0.975);
  const degrees = Math.max(1, freedom);
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);
}
