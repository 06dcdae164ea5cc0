import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowedOver, percentileBound, queriesFor } from '@edgetune/shared/domain/early-stopping.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import fc from 'fast-check';

/** P(at most `over` of `queries`), by the definition. */
function cdf(over: number, queries: number, chance: number): number {
  let sum = 0;
  for (let k = 0; k <= over; k += 1) {
    let mass = chance ** k * (1 - chance) ** (queries - k);
    for (let i = 0; i < k; i += 1) mass *= (queries - i) / (i + 1);
    sum += mass;
  }
  return sum;
}

describe('early stopping', () => {
  it("needs as many queries as LoadGen's reference values say", () => {
    // LoadGen: ceil(log(1 − c) / log(p)) where none is over; mlperf.conf's min_query_count of single- and multi-stream.
    assert.equal(queriesFor(0, 0.99), 459);
    assert.equal(queriesFor(1, 0.9), 64);
    assert.equal(queriesFor(1, 0.99), 662);
  });

  it('is the binomial criterion, at its edge too', () => {
    for (const percentile of [0.9, 0.95, 0.99])
      for (const over of [0, 1, 2, 5, 10]) {
        const queries = queriesFor(over, percentile);
        assert.ok(cdf(over, queries, 1 - percentile) < 0.01);
        assert.ok(cdf(over, queries - 1, 1 - percentile) >= 0.01);
      }
  });

  it('comes near the percentile itself in long runs, from the safe side', () => {
    const share = (allowedOver(270_336, 0.99) as number) / 270_336;
    assert.ok(share < 0.01 && share > 0.0095, String(share));
    assert.equal(allowedOver(458, 0.99), null);
  });

  it('bounds a percentile by the latency that so many queries are over', () => {
    const sorted = Float64Array.from({ length: 662 }, (_, index) => index);
    assert.equal(percentileBound(sorted, 0.99), 661);
    assert.equal(percentileBound(sorted.subarray(0, 661), 0.99), null);
    const { p99, p99Bound, p90Bound } = summariseLatencies(Float64Array.from({ length: 5000 }, (_, index) => index));
    assert.ok((p99Bound as number) > p99 && (p99Bound as number) < 5000);
    assert.equal(p90Bound, 5000 - (allowedOver(5000, 0.9) as number));
  });

  it('allows no fewer with more queries, and no more at a higher percentile', () => {
    const queries = fc.integer({ min: 1, max: 20_000 });
    fc.assert(
      fc.property(queries, queries, (one, two) => {
        const [few, many] = one < two ? [one, two] : [two, one];
        assert.ok((allowedOver(few, 0.95) ?? -1) <= (allowedOver(many, 0.95) ?? -1));
        assert.ok((allowedOver(many, 0.99) ?? -1) <= (allowedOver(many, 0.95) ?? -1));
      }),
    );
  });
});
