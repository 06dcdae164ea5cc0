/** The metrics of a measurement by the names that objectives and constraints use, in base units. */
import type { Measurement } from './measurement.ts';
import { type Constraint, violationOf } from './objective.ts';
import type { Metrics } from './study-event.ts';

/** Latency names are `latency.p99` and the like; `energy` is net of idle, per sample. What was not measured is absent. */
export function metricsOf({ latencyMs, throughputPerS, peakMemoryBytes, energy }: Measurement): Metrics {
  const metrics: Metrics = {};
  if (latencyMs) {
    for (const name of ['mean', 'p50', 'p90', 'p95', 'p99', 'p999'] as const)
      metrics[`latency.${name}`] = latencyMs[name];
  }
  if (throughputPerS !== null) metrics.throughput = throughputPerS;
  if (peakMemoryBytes !== null) metrics.memory = peakMemoryBytes;
  if (energy) Object.assign(metrics, { energy: energy.netJ, power: energy.meanPowerW });
  return metrics;
}

/** Whether a measurement is good and keeps every constraint that concerns its device; what was not measured keeps none. */
export function meetsConstraints(
  measurement: Measurement,
  constraints: readonly Constraint[],
  deviceName: string,
): boolean {
  const metrics = metricsOf(measurement);
  const concerning = constraints.filter(({ device }) => device === undefined || device === deviceName);
  return (
    measurement.outcome === 'ok' &&
    concerning.every((constraint) => violationOf(constraint, metrics[constraint.metric] ?? Number.NaN) === 0)
  );
}
