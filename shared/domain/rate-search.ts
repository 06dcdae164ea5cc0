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

/** No rate keeps the bound, or none could be shown to in the time that there was. */
export class RateNotFoundError extends Error {
  override name = 'RateNotFoundError';
}

export interface RateSearch {
  /** The rate to try now, in samples per second; null: the search is over. */
  next(): number | null;
  /** Whether the rate that was tried keeps the bound; `late`: the time was up before that was known. */
  tell(verdict: RateVerdict): void;
  /** The highest rate that passed. @throws {RateNotFoundError} */
  found(): number;
}
export type RateVerdict = 'passed' | 'failed' | 'late';

/** @param capacityPerS what the runner does when it never waits: no rate above it can be sustained */
export function createRateSearch(capacityPerS: number, p99BoundMs: number): RateSearch {
  let [low, high] = [0, capacityPerS];
  let late = false;
  const middle = () => (low + high) / 2;
  return {
    next() {
      const isOver = late || high - low <= PRECISION * high || high < LEAST_SHARE * capacityPerS;
      return isOver ? null : middle();
    },
    tell(verdict) {
      if (verdict === 'passed') low = middle();
      else if (verdict === 'failed') high = middle();
      else late = true;
    },
    found() {
      if (low > 0) return low;
      throw new RateNotFoundError(
        late
          ? `no rate could be shown to keep p99 <= ${p99BoundMs} ms in the time that there was (each takes ${QUERIES_PER_RATE} queries)`
          : `no rate keeps p99 <= ${p99BoundMs} ms: even samples that hardly ever wait take longer`,
      );
    },
  };
}

/** Judges a run at one rate after each batch of its latencies; null: not decided yet. */
export function createRateJudge(p99BoundMs: number): (latenciesMs: readonly number[]) => 'passed' | 'failed' | null {
  let seen = 0;
  let over = 0;
  return (latenciesMs) => {
    for (; seen < Math.min(latenciesMs.length, QUERIES_PER_RATE); seen += 1)
      if ((latenciesMs[seen] as number) > p99BoundMs) over += 1;
    if (over > ALLOWED_OVER) return 'failed';
    return seen >= QUERIES_PER_RATE ? 'passed' : null;
  };
}
