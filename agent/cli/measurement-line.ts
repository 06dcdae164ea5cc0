/** A measurement in one line for people. */
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';

export function measurementLine(measurement: Measurement): string {
  const { latencyMs, throughputPerS, peakMemoryBytes, busyCores, energy, energyAbsence } = measurement;
  if (!latencyMs) return 'nothing was measured';
  const { p50, p99, count } = latencyMs;
  const energyText = energy
    ? `energy ${formatQuantity(energy.netJ, 'energy')} net, ${formatQuantity(energy.grossJ, 'energy')} gross a sample (${energy.meter}, ${energy.sampleCount} readings)`
    : `no energy: ${energyAbsence ?? 'not measured'}`;
  return [
    `latency p50 ${formatQuantity(p50, 'time')}, p99 ${formatQuantity(p99, 'time')} (${count} runs)`,
    formatQuantity(throughputPerS ?? Number.NaN, 'rate'),
    `memory ${formatQuantity(peakMemoryBytes ?? Number.NaN, 'memory')}`,
    `${busyCores?.toFixed(2) ?? '–'} cores busy`,
    energyText,
  ].join('; ');
}
