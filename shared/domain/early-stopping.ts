/**
 * What a short run says of a percentile, as MLPerf LoadGen's early stopping defines it (`loadgen/early_stopping.cc` and
 * `results.cc` of https://github.com/mlcommons/inference; "MLPerf Inference Rules", appendix "Early stopping"): queries
 * are independent trials that are over a latency with probability 1 − p. With t of q queries over it, "the p-th percentile
 * is within it" holds with confidence c where a run with a true share of 1 − p would have at most t such queries with
 * probability less than 1 − c. LoadGen uses c = 0.99 and tolerance 0.
 */

export const CONFIDENCE = 0.99;

/**
 * How many of `queries` queries may be over a latency for the percentile to be within it; null: too few queries.
 * The binomial distribution is summed from zero up, its terms kept as logarithms: the first may be too small for a number.
 */
export function allowedOver(queries: number, percentile: number, confidence = CONFIDENCE): number | null {
  const chance = 1 - percentile;
  const logOdds = Math.log(chance) - Math.log(percentile);
  let logMass = queries * Math.log(percentile);
  let sum = Math.exp(logMass);
  let allowed: number | null = null;
  for (let over = 0; sum < 1 - confidence && over < queries; over += 1) {
    allowed = over;
    logMass += Math.log((queries - over) / (over + 1)) + logOdds;
    sum += Math.exp(logMass);
  }
  return allowed;
}

/** The smallest number of queries of which `over` may be over the latency. */
export function queriesFor(over: number, percentile: number, confidence = CONFIDENCE): number {
  const passes = (queries: number) => (allowedOver(queries, percentile, confidence) ?? -1) >= over;
  let high = 1;
  while (!passes(high)) high *= 2;
  let low = Math.floor(high / 2);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (passes(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * An upper bound of the percentile at 99 % confidence: LoadGen's "early stopping percentile estimate".
 * Null where there are too few queries (at least 64 for the 90th percentile, 662 for the 99th).
 * @param sortedMs latencies, ascending
 */
export function percentileBound(sortedMs: ArrayLike<number>, percentile: number): number | null {
  const over = allowedOver(sortedMs.length, percentile);
  return over === null || over < 1 ? null : (sortedMs[sortedMs.length - over] as number);
}
