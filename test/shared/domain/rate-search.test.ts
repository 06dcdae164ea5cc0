import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createRateJudge,
  createRateSearch,
  QUERIES_PER_RATE,
  RateNotFoundError,
} from '@edgetune/shared/domain/rate-search.ts';
import fc from 'fast-check';

/** Plays the search against a runner that keeps the bound up to a rate; the window's verdicts are the caller's. */
function play(capacity: number, passes: (ratePerS: number, isWindow: boolean) => boolean) {
  const search = createRateSearch(capacity, 10);
  let runs = 0;
  for (let step = search.next(); step; step = search.next()) {
    runs += 1;
    const passed = passes(step.ratePerS, step.isWindow);
    if (step.isWindow && passed) return { ratePerS: step.ratePerS, runs };
    search.tell(passed ? 'passed' : 'failed');
  }
  throw search.failure();
}

describe('the search for the highest rate', () => {
  it('ends within 2 % below the highest rate that passes, after few runs', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0.02, max: 1, noNaN: true }),
        (capacity, share) => {
          const { ratePerS, runs } = play(capacity, (rate) => rate <= share * capacity);
          assert.ok(ratePerS <= share * capacity && ratePerS >= 0.98 * share * capacity);
          assert.ok(runs <= 13, `${runs} runs`);
        },
      ),
    );
  });

  it('goes down where the window does not confirm what a lucky run has shown', () => {
    const { ratePerS } = play(100, (rate, isWindow) => rate <= (isWindow ? 40 : 60));
    assert.ok(ratePerS <= 40 && ratePerS > 37, String(ratePerS));
  });

  it('says that no rate will do, or that the time was too short to know', () => {
    assert.throws(
      () => play(100, () => false),
      (error) => error instanceof RateNotFoundError && /no rate keeps p99 <= 10 ms/.test(error.message),
    );
    const late = createRateSearch(100, 10);
    late.tell('late');
    assert.equal(late.next(), null);
    assert.match(late.failure().message, /in the time that there was/);
  });

  it('measures what was shown when the time was up', () => {
    const search = createRateSearch(100, 10);
    assert.deepEqual(search.next(), { ratePerS: 50, isWindow: false });
    search.tell('passed');
    search.tell('late');
    assert.deepEqual(search.next(), { ratePerS: 50, isWindow: true });
  });

  it('judges a run by as many queries as the criterion needs, and fails it as soon as that is sure', () => {
    const judge = createRateJudge(10);
    const latencies = Array.from({ length: QUERIES_PER_RATE - 1 }, (_, index) => (index < 3 ? 11 : 10));
    assert.equal(judge(latencies, 0), null);
    assert.equal(judge([...latencies, 10], 0), 'passed');
    assert.equal(createRateJudge(10)([11, 11, 11], 0), null);
    assert.equal(createRateJudge(10)([11, 11, 11, 11], 0), 'failed');
  });
});
