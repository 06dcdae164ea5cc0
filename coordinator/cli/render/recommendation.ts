/** A study's recommendation for the terminal: a row per device. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';
import { renderTable } from './table.ts';

export function renderRecommendation(study: StudyDetail): string {
  const { recommendation } = study;
  if (!recommendation)
    return `Study "${study.name}" is ${study.state}${study.reason ? ` (${study.reason})` : ''}: no recommendation yet.`;
  const [best] = recommendation.models;
  if (!best) return 'No model could be recommended.';
  const settings = Object.entries(best.candidate).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? Number(value.toPrecision(3)) : value}`,
  );
  const rows = best.devices.map(({ device, config, measurement }) => [
    device,
    config.precision,
    config.batchSize,
    config.threads,
    measurement.latencyMs ? formatQuantity(measurement.latencyMs.p50, 'time') : '–',
    measurement.latencyMs ? formatQuantity(measurement.latencyMs.p99, 'time') : '–',
    measurement.throughputPerS === null ? '–' : formatQuantity(measurement.throughputPerS, 'rate'),
    measurement.peakMemoryBytes === null ? '–' : formatQuantity(measurement.peakMemoryBytes, 'memory'),
    energyCell(measurement),
    measurement.simulated ? 'SIMULATED' : 'measured',
  ]);
  const others = recommendation.models
    .slice(1)
    .map((model) => `trial ${model.trialId} (test accuracy ${formatQuantity(model.testAccuracy, 'ratio')})`);
  return [
    `Recommended: trial ${best.trialId}, test accuracy ${formatQuantity(best.testAccuracy, 'ratio')}${recommendation.syntheticData ? ' on synthetic data' : ''}, ${formatQuantity(best.parameters, 'count')} parameters, ${formatQuantity(best.macs, 'count')} MACs, ${formatQuantity(best.onnxBytes, 'memory')}${best.feasible ? '' : ' — VIOLATES A CONSTRAINT'}`,
    `  ${settings.join(', ')}`,
    ...(recommendation.why === null ? [] : [`  ${recommendation.why}`]),
    '',
    renderTable(
      [
        'device',
        'precision',
        'batch',
        'threads',
        'latency p50',
        'p99',
        'throughput',
        'memory',
        'energy/inference',
        'evidence',
      ],
      rows,
    ),
    ...int8Lines(best),
    ...(others.length > 0 ? ['', `Recommended besides: ${others.join(', ')}`] : []),
  ].join('\n');
}

/** What the int8 variant costs in accuracy, and why a device runs it or not. */
function int8Lines({ quantised, devices }: RecommendedModel): string[] {
  if (!quantised) return [];
  if ('reason' in quantised) return ['', `No int8 variant: ${quantised.reason}`];
  const { testAccuracy, validationAccuracy, onnxBytes } = quantised;
  const ratio = (value: number) => formatQuantity(value, 'ratio');
  return [
    '',
    `In int8: test accuracy ${ratio(testAccuracy)}, validation ${ratio(validationAccuracy)}, ${formatQuantity(onnxBytes, 'memory')}`,
    ...devices.flatMap(({ device, precisionReason }) => (precisionReason ? [`  ${device}: ${precisionReason}`] : [])),
  ];
}

/** Energy with where it comes from; a board without a meter has none. */
function energyCell({ energy }: StoredMeasurement): string {
  if (energy === null) return 'not measured';
  return `${formatQuantity(energy.netJ, 'energy')}${energy.source === 'meter' ? '' : ` (${energy.source})`}`;
}

/** How training and measuring overlapped, in a sentence. */
export function renderTimeline({ timeline }: StudyDetail): string {
  const { totalS, trainingS, measuringS, overlapS, overheadS, pausedS } = timeline;
  const s = (seconds: number) => `${seconds.toFixed(1)} s`;
  return `Time: ${s(totalS)} in all; training ${s(trainingS)}, measuring ${s(measuringS)}, of which ${s(overlapS)} at the same time; training stood still for ${s(pausedS)} of measuring this machine; neither (overhead) ${s(overheadS)}.`;
}
