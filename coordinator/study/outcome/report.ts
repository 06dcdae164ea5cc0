/** A study's outcome as Markdown: what is recommended for each device, and the evidence. */

import { CLASS_COLUMNS, classRows, MOST_IN_MATRIX, scoresText } from '@edgetune/shared/domain/class-scores-text.ts';
import { datasetText } from '@edgetune/shared/domain/dataset-report.ts';
import { earlierText } from '@edgetune/shared/domain/earlier.ts';
import { formatConstraint, formatObjective } from '@edgetune/shared/domain/objective.ts';
import { formatPrefer } from '@edgetune/shared/domain/prefer.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import {
  DEVICE_COLUMNS,
  deviceCells,
  deviceEnergyText,
  epochsText,
  frontText,
  trainingEnergyText,
} from '@edgetune/shared/domain/recommendation-text.ts';
import { extensionText } from '@edgetune/shared/domain/study-extension.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { StudyDetail } from '@edgetune/shared/protocol/http.ts';

export function renderReport(study: StudyDetail): string {
  const { spec, recommendation } = study;
  const lines = [
    `# Study "${study.name}"`,
    '',
    `Workload ${spec.workload}, data set ${spec.dataset.format}${study.syntheticData ? ' (**synthetic**: drawn by EdgeTune itself)' : ''}, devices ${spec.devices.join(', ')}.`,
    ...(study.data ? [`Data: ${datasetText(study.data)}.`] : []),
    `Objectives: ${spec.objectives.map(formatObjective).join('; ')}${spec.prefer ? ` (preferred: ${formatPrefer(spec.prefer)})` : ''}. Constraints: ${spec.constraints.map(formatConstraint).join('; ') || 'none'}.`,
    `State: ${study.state}${study.reason === null ? '' : ` (${study.reason})`}.`,
    ...(study.earlier ? ['', earlierText(study.earlier)] : []),
    ...study.extensions.flatMap((extension) => ['', extensionText(extension)]),
    ...dataNotices(study),
    '',
  ];
  if (!recommendation) return lines.join('\n');
  if (recommendation.why !== null) lines.push(recommendation.why, '');
  const front = frontText(study.trialViews);
  if (front !== null) lines.push(front, '');
  for (const [index, model] of recommendation.models.entries()) lines.push(...modelSection(model, index), '');
  const { summary } = recommendation;
  lines.push(
    '## What it cost',
    '',
    '| | |',
    '|---|---|',
    `| trials | ${summary.trials}, of which ${summary.infeasibleTrials} infeasible |`,
    `| measurements | ${summary.measurements} made, ${summary.reusedMeasurements} reused; ${summary.savedMeasurements ?? 'an unknown number'} saved against measuring every config |`,
    `| training | ${formatQuantity(summary.trainingSeconds * 1000, 'time')}, ${formatQuantity(summary.trainingCpuSeconds * 1000, 'time')} of CPU, ${trainingEnergyText(summary)}, on ${summary.trainingBackend} |`,
    `| devices | ${formatQuantity(summary.deviceSeconds * 1000, 'time')}, ${deviceEnergyText(summary)} |`,
    `| wall clock | ${formatQuantity(summary.wallSeconds * 1000, 'time')}, overhead ${formatQuantity(summary.overheadSeconds * 1000, 'time')} |`,
    '',
  );
  return lines.join('\n');
}

/** What was said of the data when they were read. */
function dataNotices({ data }: StudyDetail): string[] {
  if (!data || data.notices.length === 0) return [];
  return [
    '',
    `The data are known by sha256 ${data.sha256}. Of them was said:`,
    '',
    ...data.notices.map(({ level, message }) => `- ${level}: ${message}`),
  ];
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;

function modelSection(model: RecommendedModel, index: number): string[] {
  const settings = Object.entries(model.candidate).map(([name, value]) => `${name} ${value}`);
  const scores = scoresText(model.scores, 'test');
  return [
    `## ${index + 1}. Trial ${model.trialId}${model.feasible ? '' : ' (does not meet the constraints)'}`,
    '',
    ...(model.misses.length > 0 ? [`${model.misses.join('; ')}.`, ''] : []),
    `Test accuracy ${formatQuantity(model.testAccuracy, 'ratio')} (validation ${formatQuantity(model.validationAccuracy, 'ratio')}), ${formatQuantity(model.parameters, 'count')} parameters, ${formatQuantity(model.macs, 'count')} MACs, ${formatQuantity(model.onnxBytes, 'memory')}. ${scores === null ? '' : `On the test split ${scores}. `}Trained for ${epochsText(model)}. ${settings.join(', ')}.`,
    '',
    ...quantisedLines(model),
    row(DEVICE_COLUMNS),
    row(DEVICE_COLUMNS.map(() => '---')),
    ...model.devices.map((device) => row(deviceCells(device))),
    ...(model.missing.length > 0
      ? ['', ...model.missing.map(({ device, reason }) => `- ${device} is missing: ${reason}.`)]
      : []),
    ...classLines(model),
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

/** How its classes are told apart on the test split. */
function classLines({ classes, scores }: RecommendedModel): string[] {
  if (!classes || !scores) return [];
  const { confusion } = scores.test;
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const table = (header: readonly string[], rows: readonly string[][]) =>
    [header, header.map(() => '---'), ...rows].map((cells) => row(cells.map(cell)));
  const matrix = confusion.map((counts, label) => [classes[label] as string, ...counts.map(String)]);
  return [
    '',
    'Class by class, on the test split:',
    '',
    ...table(CLASS_COLUMNS, classRows(classes, scores.test)),
    ...(classes.length <= MOST_IN_MATRIX
      ? [
          '',
          'Samples by their class (rows) and by what the model answers (columns):',
          '',
          ...table(['', ...classes], matrix),
        ]
      : []),
  ];
}
