/**
 * The highest rate of the server scenario whose 99th percentile keeps a bound: bisection over rates, each judged by
 * LoadGen's early stopping criterion ("Maximum Poisson throughput parameter supported", MLPerf Inference Rules, section 3).
 */
import { allowedOver, queriesFor } from './early-stopping.ts';

const PERCENTILE = 0.99;
/** More queries tell rates apart more finely and take longer: so many that three of them may be over the bound. */
export const QUERIES_PER_RATE = queriesFor(3, PERCENTILE);
const ALLOWED_OVER = allowedOver(QUERIES_PER_RATE, PERCENTILE) as number;
/** The search ends when the rates that pass and fail are so close. */
const PRECISION = 0.02;
/** Below this share of what the runner can do at all, no rate is worth knowing. */
const LEAST_SHARE = 0.01;
/** Where a window does not confirm its rate, the next one is this much lower … */
const STEP_DOWN = 0.95;
/** … so often; afterwards each is half the last: a rate is found, or known not to be there, after a few windows. */
const SMALL_STEPS = 8;
/** A search takes about so many runs: each has this share of its time. */
export const RUNS_PER_SEARCH = 10;

/** No rate keeps the bound. */
export class RateNotFoundError extends Error {
  override name = 'RateNotFoundError';
}

export type RateVerdict = 'passed' | 'failed';

export interface RateSearch {
  /** The rate to try now, in samples per second; null: no rate will do. `isWindow`: if it passes, this run is the answer. */
  next(): { ratePerS: number; isWindow: boolean } | null;
  tell(verdict: RateVerdict): void;
}

/**
 * Bisects, then confirms what it has found in a run of its own, at a lower rate where it does not hold: queries that queue
 * are not independent, and the luckiest of several runs flatters.
 * @param capacityPerS what the runner does when it never waits: no rate above it can be sustained
 */
export function createRateSearch(capacityPerS: number): RateSearch {
  let [low, high] = [0, capacityPerS];
  let confirming = false;
  let stepsDown = 0;
  const least = LEAST_SHARE * capacityPerS;
  return {
    next() {
      confirming ||= high - low <= PRECISION * high || high < least;
      if (!confirming) return { ratePerS: (low + high) / 2, isWindow: false };
      return low < least ? null : { ratePerS: low, isWindow: true };
    },
    tell(verdict) {
      if (confirming) low *= stepsDown++ < SMALL_STEPS ? STEP_DOWN : 0.5;
      else if (verdict === 'passed') low = (low + high) / 2;
      else high = (low + high) / 2;
    },
  };
}

export function noRateKeeps(p99BoundMs: number): RateNotFoundError {
  return new RateNotFoundError(`no rate keeps p99 <= ${p99BoundMs} ms: even samples that hardly ever wait take longer`);
}

/**
 * Judges a run at one rate after each batch of its latencies; null: not decided yet. A run whose time is up is judged by
 * the queries that it had: a slow model is, with less confidence (its bound of the percentile is unknown then).
 */
export function createRateJudge(
  p99BoundMs: number,
  { minDurationMs, maxDurationMs }: { minDurationMs: number; maxDurationMs: number },
): (latenciesMs: readonly number[], elapsedMs: number) => RateVerdict | null {
  let seen = 0;
  let over = 0;
  return (latenciesMs, elapsedMs) => {
    for (; seen < latenciesMs.length; seen += 1) {
      if ((latenciesMs[seen] as number) > p99BoundMs) over += 1;
      if (over > ALLOWED_OVER && seen < QUERIES_PER_RATE) return 'failed';
    }
    // A run that goes on for its duration is judged by all of it: a queue may have grown since.
    if (seen >= QUERIES_PER_RATE && elapsedMs >= minDurationMs)
      return over <= (allowedOver(seen, PERCENTILE) as number) ? 'passed' : 'failed';
    if (elapsedMs < maxDurationMs) return null;
    return over <= (1 - PERCENTILE) * seen ? 'passed' : 'failed';
  };
}
