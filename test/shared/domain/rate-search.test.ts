import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createRateJudge,
  createRateSearch,
  QUERIES_PER_RATE,
  RateNotFoundError,
} from '@edgetune/shared/domain/rate-search.ts';
import fc from 'fast-check';

describe('the search for the highest rate', () => {
  it('ends within 2 % below the highest rate that passes, after few runs', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.double({ min: 0.02, max: 1, noNaN: true }),
        (capacity, share) => {
          const search = createRateSearch(capacity, 10);
          let runs = 0;
          for (let rate = search.next(); rate !== null; rate = search.next()) {
            search.tell(rate <= share * capacity ? 'passed' : 'failed');
            runs += 1;
          }
          assert.ok(search.found() <= share * capacity && search.found() >= 0.98 * share * capacity);
          assert.ok(runs <= 12, `${runs} runs`);
        },
      ),
    );
  });

  it('says that no rate will do, or that the time was too short to know', () => {
    const hopeless = createRateSearch(100, 10);
    while (hopeless.next() !== null) hopeless.tell('failed');
    assert.throws(
      () => hopeless.found(),
      (error) => error instanceof RateNotFoundError && /no rate keeps p99 <= 10 ms/.test(error.message),
    );
    const late = createRateSearch(100, 10);
    late.tell('late');
    assert.equal(late.next(), null);
    assert.throws(() => late.found(), /in the time that there was/);
  });

  it('judges a run by as many queries as the criterion needs, and fails it as soon as that is sure', () => {
    const judge = createRateJudge(10);
    const latencies = Array.from({ length: QUERIES_PER_RATE - 1 }, (_, index) => (index < 3 ? 11 : 10));
    assert.equal(judge(latencies), null);
    assert.equal(judge([...latencies, 10]), 'passed');
    assert.equal(createRateJudge(10)([11, 11, 11]), null);
    assert.equal(createRateJudge(10)([11, 11, 11, 11]), 'failed');
  });
});
