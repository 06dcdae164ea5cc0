/** When a window ends: the same rule for real and for simulated boards. */
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';

export type StopReason = NonNullable<Measurement['stopReason']>;

/** The median's interval is looked at again when there are so many times more queries. */
const CHECK_GROWTH = 1.25;

/** Decides when a window ends; one for each window. */
export function stopper(rule: StopRule): (latencies: readonly number[], elapsedMs: number) => StopReason | null {
  let nextCheck = rule.minRuns;
  return (latencies, elapsedMs) => {
    const count = latencies.length;
    if (count >= rule.minRuns && elapsedMs >= rule.minDurationMs) {
      if (rule.medianPrecision === null) return 'min-reached';
      if (count >= nextCheck) {
        const { p50, p50Interval } = summariseLatencies(latencies);
        if ((p50Interval[1] - p50Interval[0]) / 2 <= rule.medianPrecision * p50) return 'converged';
        nextCheck = Math.ceil(count * CHECK_GROWTH);
      }
    }
    if (count >= rule.maxRuns) return 'max-runs';
    return elapsedMs >= rule.maxDurationMs ? 'max-duration' : null;
  };
}
