/** A study's recommendation for the terminal: a row per device. */
import { scoresText } from '@edgetune/shared/domain/class-scores-text.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { DEVICE_COLUMNS, deviceCells, frontText } from '@edgetune/shared/domain/recommendation-text.ts';
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
  // A figure that is simulated stands out in a terminal, too.
  const rows = best.devices.map((each) =>
    deviceCells(each).map((cell) => (cell === 'simulated' ? cell.toUpperCase() : cell)),
  );
  const missing = best.missing.map(({ device, reason }) => `  ${device} is missing: ${reason}`);
  const others = recommendation.models
    .slice(1)
    .map((model) => `trial ${model.trialId} (test accuracy ${formatQuantity(model.testAccuracy, 'ratio')})`);
  const front = frontText(study.trialViews);
  const scores = scoresText(best.scores, 'test');
  return [
    `Recommended: trial ${best.trialId}, test accuracy ${formatQuantity(best.testAccuracy, 'ratio')}${recommendation.syntheticData ? ' on synthetic data' : ''}, ${formatQuantity(best.parameters, 'count')} parameters, ${formatQuantity(best.macs, 'count')} MACs, ${formatQuantity(best.onnxBytes, 'memory')}${best.feasible ? '' : ' — DOES NOT MEET THE CONSTRAINTS'}`,
    ...(scores === null ? [] : [`  on the test split: ${scores}`]),
    ...best.misses.map((miss) => `  ${miss}`),
    `  ${settings.join(', ')}`,
    ...(recommendation.why === null ? [] : [`  ${recommendation.why}`]),
    ...(front === null ? [] : [`  ${front}`]),
    '',
    renderTable([...DEVICE_COLUMNS], rows),
    ...(missing.length > 0 ? ['', ...missing, `  measure the rest with: edgetune study resume ${study.id}`] : []),
    ...int8Lines(best),
    ...(others.length > 0 ? ['', `Recommended besides: ${others.join(', ')}`] : []),
  ].join('\n');
}

/** How a study's devices stand. */
export function renderDevices({ deviceViews }: StudyDetail): string {
  return renderTable(
    ['device', 'stands', ''],
    deviceViews.map(({ device, standing, reason }) => [device, standing, reason ?? '']),
  );
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

/** How training and measuring overlapped, in a sentence. */
export function renderTimeline({ timeline }: StudyDetail): string {
  const { totalS, trainingS, measuringS, overlapS, overheadS, pausedS } = timeline;
  const s = (seconds: number) => `${seconds.toFixed(1)} s`;
  return `Time: ${s(totalS)} in all; training ${s(trainingS)}, measuring ${s(measuringS)}, of which ${s(overlapS)} at the same time; training stood still for ${s(pausedS)} of measuring this machine; neither (overhead) ${s(overheadS)}.`;
}
