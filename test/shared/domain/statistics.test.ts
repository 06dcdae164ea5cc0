import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyStatisticsSchema } from '@edgetune/shared/domain/measurement.ts';
import { medianIntervalRanks, quantileOfSorted, summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import fc from 'fast-check';

test('quantiles interpolate as numpy.percentile does', () => {
  assert.equal(quantileOfSorted([1, 2, 3, 4], 0.5), 2.5);
  assert.ok(Math.abs(quantileOfSorted([1, 2, 3, 4], 0.9) - 3.7) < 1e-12);
  assert.equal(quantileOfSorted([7], 0.99), 7);
});

test("the median's ranks are those of Le Boudec's table A.1", () => {
  // One-based in the table: n = 6: 1, 6; n = 10: 2, 9; n = 20: 6, 15; n = 50: 18, 33 (symmetric choice); n = 70: 27, 44.
  assert.deepEqual(medianIntervalRanks(6), [0, 5]);
  assert.deepEqual(medianIntervalRanks(10), [1, 8]);
  assert.deepEqual(medianIntervalRanks(20), [5, 14]);
  assert.deepEqual(medianIntervalRanks(50), [17, 32]);
  assert.deepEqual(medianIntervalRanks(70), [26, 43]);
  assert.deepEqual(medianIntervalRanks(3), [0, 2]);
});

test('a summary orders its quantiles, fits its schema and leaves its input alone', () => {
  const samplesOf = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(samplesOf, (samples) => {
      const before = [...samples];
      const summary = latencyStatisticsSchema.parse(summariseLatencies(samples));
      assert.deepEqual(samples, before);
      const { min, p50, p90, p95, p99, p999, max, p50Interval } = summary;
      const ordered = [min, p50, p90, p95, p99, p999, max];
      for (const [index, value] of ordered.entries()) if (index > 0) assert.ok(value >= (ordered[index - 1] as number));
      assert.ok(p50Interval[0] <= p50 && p50 <= p50Interval[1]);
    }),
  );
});

test('no sample, or one that is not finite, is refused', () => {
  assert.throws(() => summariseLatencies([]), /at least one/);
  assert.throws(() => summariseLatencies([1, Number.NaN]), /finite/);
});

test('the summary of known samples', () => {
  // Python's statistics.mean and .stdev, and quantiles of type 7 by hand, of [2, 4, 4, 4, 5, 5, 7, 9, 10, 100].
  const summary = summariseLatencies([10, 2, 4, 100, 4, 5, 4, 5, 9, 7]);
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);
  near(summary.mean, 15);
  near(summary.cv, 29.966648127543394 / 15);
  assert.deepEqual([summary.count, summary.min, summary.max, summary.p50], [10, 2, 100, 5]);
  near(summary.p90, 19);
  near(summary.p95, 59.5);
  near(summary.p99, 91.9);
  near(summary.p999, 99.19);
  assert.deepEqual(summary.p50Interval, [4, 10]);
  assert.deepEqual([summary.p90Bound, summary.p99Bound], [null, null]);
});

test('one sample has no spread, and the mean of nothing but zeros divides nothing', () => {
  assert.deepEqual([summariseLatencies([3]).cv, summariseLatencies([0, 0]).cv], [0, 0]);
  assert.throws(() => quantileOfSorted([], 0.5), /at least one value/);
});

test('from 71 values on the ranks are those of the normal approximation', () => {
  // ⌊n/2 − .98 √n⌋ and ⌈n/2 + 1 + .98 √n⌉ (one-based): n = 71: 27, 45; n = 100: 40, 61; n = 400: 180, 221.
  assert.deepEqual(medianIntervalRanks(71), [26, 44]);
  assert.deepEqual(medianIntervalRanks(100), [39, 60]);
  assert.deepEqual(medianIntervalRanks(400), [179, 220]);
  assert.deepEqual(medianIntervalRanks(0), [0, 0]);
  assert.deepEqual(medianIntervalRanks(5), [0, 4]);
});
