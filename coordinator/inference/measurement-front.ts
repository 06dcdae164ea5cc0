/** The measurements that no other one beats in latency, throughput, memory and energy at once. */
import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';

/** Values to be minimised; a metric that was not measured is the same for all and decides nothing. */
function losses({ latencyMs, throughputPerS, peakMemoryBytes, energy }: StoredMeasurement): number[] {
  return [latencyMs?.p50 ?? 0, -(throughputPerS ?? 0), peakMemoryBytes ?? 0, energy?.netJ ?? 0];
}

export function nonDominated(measurements: readonly StoredMeasurement[]): StoredMeasurement[] {
  return paretoFront(measurements.map(losses)).map((index) => measurements[index] as StoredMeasurement);
}
