/** What a study may name, for `--help`. */
import { POSSIBLE_INFERENCE } from '@edgetune/shared/domain/inference-config.ts';
import { METRIC_LIST, type MetricView, metricParts } from '@edgetune/shared/domain/metric-list.ts';
import { type Part, partsText } from '@edgetune/shared/domain/part.ts';
import { type PossibleByName, possibleText } from '@edgetune/shared/domain/possible-values.ts';
import { SCENARIOS } from '@edgetune/shared/domain/scenario.ts';
import {
  type DatasetFormatInfo,
  formatsFor,
  type PossibleParameters,
  type StudyParts,
  settingsOf,
} from '@edgetune/shared/domain/study-parts.ts';

/** Workloads with the formats of their data, formats with their settings, samplers, schedulers, scenarios, metrics. */
export function studyPartsText(parts: StudyParts): string {
  const { workloads, formats } = parts;
  const withFormats = workloads.map((workload) => ({
    ...workload,
    description: `${workload.description} Takes ${formatsFor(workload, formats)
      .map(({ name }) => name)
      .join(', ')}.`,
  }));
  const parameters = workloads.map(({ name, possible }) => partsText(`Parameters of ${name}`, parametersOf(possible)));
  return [
    partsText('Workloads', withFormats),
    ...parameters,
    partsText('Inference parameters', [
      ...valuesAsParts(POSSIBLE_INFERENCE),
      { name: 'runner', description: 'one of those that the boards of the fleet have' },
    ]),
    partsText('Data formats', formats.map(withSettings)),
    tunerPartsText(parts),
    scenariosText(),
    metricsText(),
  ].join('\n\n');
}

function parametersOf(possible: PossibleParameters): Part[] {
  return Object.entries(possible).flatMap(([level, byName]) =>
    valuesAsParts(byName).map(({ name, description }) => ({ name, description: `${description} (${level})` })),
  );
}

const valuesAsParts = (byName: PossibleByName): Part[] =>
  Object.entries(byName).map(([name, values]) => ({ name, description: possibleText(values) }));

/** Scenarios with their settings. */
export function scenariosText(): string {
  return partsText('Scenarios', SCENARIOS.map(withSettings));
}

/** What objectives and constraints may name. */
export function metricsText(metrics: readonly MetricView[] = METRIC_LIST): string {
  return partsText('Metrics', metricParts(metrics));
}

function withSettings(part: Pick<DatasetFormatInfo, 'name' | 'description' | 'settings'>): Part {
  const settings = settingsOf(part).map(({ name, required }) => (required ? name : `[${name}]`));
  return {
    name: part.name,
    description: settings.length > 0 ? `${part.description} (${settings.join(', ')})` : part.description,
  };
}

/** Samplers and schedulers. */
export function tunerPartsText({ samplers, schedulers }: Pick<StudyParts, 'samplers' | 'schedulers'>): string {
  return [partsText('Samplers', samplers), partsText('Schedulers', schedulers)].join('\n\n');
}
