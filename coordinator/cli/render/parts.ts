/** What a study may name, for `--help`. */
import type { Part } from '@edgetune/shared/domain/part.ts';
import { formatsFor, type StudyParts, settingsOf } from '@edgetune/shared/domain/study-parts.ts';

/** Workloads with the formats of their data, formats with their settings, samplers and schedulers. */
export function studyPartsText(parts: StudyParts): string {
  const { workloads, formats } = parts;
  const withFormats = workloads.map((workload) => ({
    ...workload,
    description: `${workload.description} Takes ${formatsFor(workload, formats)
      .map(({ name }) => name)
      .join(', ')}.`,
  }));
  const withSettings = formats.map((format) => ({
    ...format,
    description: `${format.description} (${settingsOf(format)
      .map(({ name, required }) => (required ? name : `[${name}]`))
      .join(', ')})`,
  }));
  return [listed('Workloads', withFormats), listed('Data formats', withSettings), tunerPartsText(parts)].join('\n\n');
}

/** Samplers and schedulers. */
export function tunerPartsText({ samplers, schedulers }: Pick<StudyParts, 'samplers' | 'schedulers'>): string {
  return [listed('Samplers', samplers), listed('Schedulers', schedulers)].join('\n\n');
}

function listed(title: string, parts: readonly Part[]): string {
  const width = Math.max(...parts.map(({ name }) => name.length));
  return [`${title}:`, ...parts.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`)].join('\n');
}
