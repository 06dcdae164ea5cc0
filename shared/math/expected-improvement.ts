import { erfcx } from './error-function.ts';
import { LOG_ROOT_TWO_PI, normalCdf, normalDensity } from './normal.ts';

/**
 * Logarithm of the expected improvement (Jones, Schonlau, Welch 1998) of a normally distributed value; it grows with both.
 * @param gap by how much the value's mean is better than the best so far
 * @param deviation standard deviation of the value; 0: the improvement is the gap itself
 */
export function logExpectedImprovement(gap: number, deviation: number): number {
  if (deviation === 0) return Math.log(Math.max(0, gap));
  return Math.log(deviation) + logImprovement(gap / deviation);
}

/** Below this, what the asymptote of `logImprovement` leaves out is less than rounding errors. */
const ASYMPTOTIC = -1e6;

/**
 * log(φ(z) + z Φ(z)), after Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian Optimization"
 * (NeurIPS 2023), equation 9: where the two terms cancel, φ is taken out of the sum, and what is left is Mills' ratio, which
 * is a scaled complementary error function.
 */
export function logImprovement(z: number): number {
  if (z > -1) return Math.log(normalDensity(z) + z * normalCdf(z));
  const logDensity = -(z * z) / 2 - LOG_ROOT_TWO_PI;
  if (z < ASYMPTOTIC) return logDensity - 2 * Math.log(-z);
  return logDensity + Math.log1p(z * Math.sqrt(Math.PI / 2) * erfcx(-z * Math.SQRT1_2));
}
