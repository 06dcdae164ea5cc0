/** A study's outcome as Markdown: what is recommended for each device, and the evidence. */

import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { formatConstraint, formatObjective } from '@edgetune/shared/domain/objective.ts';
import { formatPrefer } from '@edgetune/shared/domain/prefer.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';

export function renderReport(study: StudyDetail): string {
  const { spec, recommendation } = study;
  const lines = [
    `# Study "${study.name}"`,
    '',
    `Workload ${spec.workload}, data set ${spec.dataset.format}${study.syntheticData ? ' (**synthetic**: drawn by EdgeTune itself)' : ''}, devices ${spec.devices.join(', ')}.`,
    `Objectives: ${spec.objectives.map(formatObjective).join('; ')}${spec.prefer ? ` (preferred: ${formatPrefer(spec.prefer)})` : ''}. Constraints: ${spec.constraints.map(formatConstraint).join('; ') || 'none'}.`,
    `State: ${study.state}${study.reason === null ? '' : ` (${study.reason})`}.`,
    '',
  ];
  if (!recommendation) return lines.join('\n');
  if (recommendation.why !== null) lines.push(recommendation.why, '');
  for (const [index, model] of recommendation.models.entries()) lines.push(...modelSection(model, index), '');
  const { summary } = recommendation;
  lines.push(
    '## What it cost',
    '',
    '| | |',
    '|---|---|',
    `| trials | ${summary.trials}, of which ${summary.infeasibleTrials} infeasible |`,
    `| measurements | ${summary.measurements} made, ${summary.reusedMeasurements} reused; ${summary.savedMeasurements ?? 'an unknown number'} saved against measuring every config |`,
    `| training | ${formatQuantity(summary.trainingSeconds * 1000, 'time')}, ${formatQuantity(summary.trainingCpuSeconds * 1000, 'time')} of CPU, ${formatQuantity(summary.trainingEnergyJ, 'energy')} (estimate), on ${summary.trainingBackend} |`,
    `| devices | ${formatQuantity(summary.deviceSeconds * 1000, 'time')}, ${formatQuantity(summary.deviceJoules, 'energy')} |`,
    `| wall clock | ${formatQuantity(summary.wallSeconds * 1000, 'time')}, overhead ${formatQuantity(summary.overheadSeconds * 1000, 'time')} |`,
    '',
  );
  return lines.join('\n');
}

function modelSection(model: RecommendedModel, index: number): string[] {
  const settings = Object.entries(model.candidate).map(([name, value]) => `${name} ${value}`);
  return [
    `## ${index + 1}. Trial ${model.trialId}${model.feasible ? '' : ' (violates a constraint)'}`,
    '',
    `Test accuracy ${formatQuantity(model.testAccuracy, 'ratio')} (validation ${formatQuantity(model.validationAccuracy, 'ratio')}), ${formatQuantity(model.parameters, 'count')} parameters, ${formatQuantity(model.macs, 'count')} MACs, ${formatQuantity(model.onnxBytes, 'memory')}. ${settings.join(', ')}.`,
    '',
    ...quantisedLines(model),
    '| device | precision | batch | threads | latency p50 | latency p99 | throughput | memory | energy per inference | evidence |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...model.devices.map(({ device, config, measurement }) => {
      const { latencyMs, throughputPerS, peakMemoryBytes } = measurement;
      const cells = [
        device,
        config.precision,
        config.batchSize,
        config.threads,
        latencyMs ? formatQuantity(latencyMs.p50, 'time') : '–',
        latencyMs ? formatQuantity(latencyMs.p99, 'time') : '–',
        throughputPerS === null ? '–' : formatQuantity(throughputPerS, 'rate'),
        peakMemoryBytes === null ? '–' : formatQuantity(peakMemoryBytes, 'memory'),
        energyCell(measurement),
        measurement.simulated ? 'simulated' : 'measured',
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

/** What its int8 variant costs in accuracy, and why a device is recommended it or not. */
function quantisedLines({ quantised, devices }: RecommendedModel): string[] {
  if (!quantised) return [];
  if ('reason' in quantised) return [`No int8 variant: ${quantised.reason}.`, ''];
  const { testAccuracy, validationAccuracy, onnxBytes } = quantised;
  const reasons = devices.flatMap(({ device, precisionReason }) =>
    precisionReason ? [`- ${device}: ${precisionReason}.`] : [],
  );
  return [
    `In int8: test accuracy ${formatQuantity(testAccuracy, 'ratio')} (validation ${formatQuantity(validationAccuracy, 'ratio')}), ${formatQuantity(onnxBytes, 'memory')}.`,
    '',
    ...(reasons.length > 0 ? [...reasons, ''] : []),
  ];
}

function energyCell({ energy }: StoredMeasurement): string {
  if (energy === null) return 'not measured';
  return `${formatQuantity(energy.netJ, 'energy')}${energy.source === 'meter' ? '' : ` (${energy.source})`}`;
}
