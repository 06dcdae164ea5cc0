/** The binomial distribution: how likely so many successes are by chance. */
import { LOG_ROOT_TWO_PI } from './normal.ts';

/**
 * Probability of at least `successes` in `trials` of this probability each: the upper tail, whose smallness is the p-value
 * of the one-sided exact test (Clopper & Pearson, 1934, https://doi.org/10.1093/biomet/26.4.404, is its inversion). To a
 * relative error of 1e-8 for up to a million trials.
 */
export function binomialTail(successes: number, trials: number, probability: number): number {
  if (successes <= 0) return 1;
  if (successes > trials || probability <= 0) return 0;
  if (probability >= 1) return 1;
  // Below the mean the other tail is the smaller, and is summed without loss.
  const isUpper = successes > trials * probability;
  return isUpper
    ? sumFrom(successes, trials, probability)
    : 1 - sumFrom(trials - successes + 1, trials, 1 - probability);
}

/** Terms fall from the first on, which is above the mean. */
function sumFrom(successes: number, trials: number, probability: number): number {
  const odds = probability / (1 - probability);
  let term = Math.exp(
    logChoose(trials, successes) + successes * Math.log(probability) + (trials - successes) * Math.log1p(-probability),
  );
  let sum = 0;
  for (let count = successes; count <= trials && term > sum * Number.EPSILON; count++) {
    sum += term;
    term *= ((trials - count) / (count + 1)) * odds;
  }
  return Math.min(1, sum);
}

function logChoose(of: number, some: number): number {
  return logFactorial(of) - logFactorial(some) - logFactorial(of - some);
}

/** log n!, by Stirling's series (Abramowitz & Stegun, 1964, 6.1.41), which is exact to the last places from ten on. */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let factor = 2; factor <= n; factor++) product *= factor;
    return Math.log(product);
  }
  const z = n + 1;
  const inverse = 1 / (z * z);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z;
  return (z - 0.5) * Math.log(z) - z + LOG_ROOT_TWO_PI + series;
}
