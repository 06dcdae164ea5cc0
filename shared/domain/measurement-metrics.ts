/** The metrics of a measurement by the names that objectives and constraints use, in base units. */
import type { Measurement } from './measurement.ts';
import { type Constraint, LATENCY_NAMES, METRICS, violationOf } from './objective.ts';
import type { Metrics } from './study-event.ts';

/** Latency names are `latency.p99` and the like; `energy` is net of idle, per sample. What was not measured is absent. */
export function metricsOf({ latencyMs, throughputPerS, peakMemoryBytes, energy }: Measurement): Metrics {
  const metrics: Metrics = {};
  if (latencyMs) {
    for (const name of LATENCY_NAMES) metrics[`latency.${name}`] = latencyMs[name];
  }
  if (throughputPerS !== null) metrics.throughput = throughputPerS;
  if (peakMemoryBytes !== null) metrics.memory = peakMemoryBytes;
  if (energy) Object.assign(metrics, { energy: energy.netJ, power: energy.meanPowerW });
  return metrics;
}

/** The constraints that a measurement on this device can keep or break. */
export function constraintsOn(constraints: readonly Constraint[], deviceName: string): Constraint[] {
  return constraints.filter(
    ({ metric, device }) => METRICS[metric]?.of === 'device' && (device === undefined || device === deviceName),
  );
}

/** What was not measured keeps no limit (a board without a meter cannot show that it does): it counts as missed by all of it. */
const VIOLATION_OF_NOTHING = 1;

/** Sum of relative violations of a device's limits by what was measured on it; 0: all are kept. */
export function violationOfMeasured(limits: readonly Constraint[], metrics: Metrics): number {
  return limits.reduce((sum, limit) => {
    const value = metrics[limit.metric];
    return sum + (value === undefined ? VIOLATION_OF_NOTHING : violationOf(limit, value));
  }, 0);
}

/** Whether a measurement is good and keeps every constraint that concerns its device. */
export function meetsConstraints(
  measurement: Measurement,
  constraints: readonly Constraint[],
  deviceName: string,
): boolean {
  const limits = constraintsOn(constraints, deviceName);
  return measurement.outcome === 'ok' && violationOfMeasured(limits, metricsOf(measurement)) === 0;
}
