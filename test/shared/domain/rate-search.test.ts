import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createRateJudge,
  createRateSearch,
  noRateKeeps,
  QUERIES_PER_RATE,
  RUNS_PER_SEARCH,
} from '@edgetune/shared/domain/rate-search.ts';
import fc from 'fast-check';

const UNHURRIED = { minDurationMs: 0, maxDurationMs: 1e9 };

/** Plays the search against a runner that keeps the bound up to a rate; null: no rate was found. */
function play(capacity: number, passes: (ratePerS: number, isWindow: boolean) => boolean) {
  const search = createRateSearch(capacity);
  let runs = 0;
  for (let step = search.next(); step; step = search.next()) {
    runs += 1;
    const passed = passes(step.ratePerS, step.isWindow);
    if (step.isWindow && passed) return { ratePerS: step.ratePerS, runs };
    search.tell(passed ? 'passed' : 'failed');
  }
  return null;
}

describe('the search for the highest rate', () => {
  it('ends within 2 % below the highest rate that passes, after few runs', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0.02, max: 1, noNaN: true }),
        (capacity, share) => {
          const { ratePerS = 0, runs = 0 } = play(capacity, (rate) => rate <= share * capacity) ?? {};
          assert.ok(ratePerS <= share * capacity && ratePerS >= 0.98 * share * capacity);
          assert.ok(runs <= 13, `${runs} runs`);
        },
      ),
    );
  });

  it('goes down where the window does not confirm what a lucky run has shown', () => {
    const { ratePerS = 0 } = play(100, (rate, isWindow) => rate <= (isWindow ? 40 : 60)) ?? {};
    assert.ok(ratePerS <= 40 && ratePerS > 37, String(ratePerS));
    let windows = 0;
    const never = (rate: number, isWindow: boolean) => {
      windows += Number(isWindow);
      return !isWindow && rate <= 90;
    };
    assert.equal(play(100, never), null);
    assert.ok(windows <= 16, `${windows} windows`);
  });

  it('goes down by a twentieth eight times, then by halves, down to a hundredth of what the runner can do', () => {
    const windows: number[] = [];
    const never = (rate: number, isWindow: boolean) => {
      if (isWindow) windows.push(rate);
      return !isWindow;
    };
    assert.equal(play(100, never), null);
    const factors = windows.slice(1).map((rate, i) => Number((rate / (windows[i] as number)).toPrecision(6)));
    assert.deepEqual(factors, [...Array(8).fill(0.95), ...Array(factors.length - 8).fill(0.5)]);
    assert.ok((windows[0] as number) >= 98 && (windows[0] as number) <= 100);
    assert.ok((windows.at(-1) as number) >= 1 && (windows.at(-1) as number) < 2);
    // Three of so many may be over the bound: `queriesFor(3, .99)` by the definition of the criterion.
    assert.equal(QUERIES_PER_RATE, 1001);
    assert.equal(RUNS_PER_SEARCH, 10);
  });

  it('says which bound no rate keeps', () => {
    const error = noRateKeeps(3);
    assert.equal(error.name, 'RateNotFoundError');
    assert.match(error.message, /^no rate keeps p99 <= 3 ms/);
  });

  it('ends where no rate will do', () => {
    assert.equal(
      play(100, () => false),
      null,
    );
  });

  it('judges a run by as many queries as the criterion needs, and fails it as soon as that is sure', () => {
    const judge = createRateJudge(10, UNHURRIED);
    const latencies = Array.from({ length: QUERIES_PER_RATE - 1 }, (_, index) => (index < 3 ? 11 : 10));
    assert.equal(judge(latencies, 0), null);
    assert.equal(judge([...latencies, 10], 0), 'passed');
    assert.equal(createRateJudge(10, UNHURRIED)([11, 11, 11], 0), null);
    assert.equal(createRateJudge(10, UNHURRIED)([11, 11, 11, 11], 0), 'failed');
  });

  it('judges a run that goes on for its duration by all of it, as its p99 is: a queue may have grown', () => {
    const verdict = (late: number) => {
      const judge = createRateJudge(10, { minDurationMs: 100, maxDurationMs: 1e9 });
      const latencies = Array.from({ length: 5 * QUERIES_PER_RATE }, () => 10);
      assert.equal(judge(latencies.slice(0, QUERIES_PER_RATE), 20), null);
      return judge(latencies.fill(11, latencies.length - late), 100);
    };
    assert.deepEqual([verdict(3), verdict(QUERIES_PER_RATE)], ['passed', 'failed']);
  });

  it('judges a run whose time is up by the queries that it had', () => {
    const verdict = (over: number, queries: number) =>
      createRateJudge(10, { minDurationMs: 0, maxDurationMs: 5 })(
        Array.from({ length: queries }, (_, index) => (index < over ? 11 : 1)),
        5,
      );
    assert.deepEqual([verdict(0, 20), verdict(1, 20), verdict(1, 100)], ['passed', 'failed', 'passed']);
  });
});
