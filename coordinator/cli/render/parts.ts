/** What a study may name, for `--help`. */
import { partsText } from '@edgetune/shared/domain/part.ts';
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
  return [partsText('Workloads', withFormats), partsText('Data formats', withSettings), tunerPartsText(parts)].join(
    '\n\n',
  );
}

/** Samplers and schedulers. */
export function tunerPartsText({ samplers, schedulers }: Pick<StudyParts, 'samplers' | 'schedulers'>): string {
  return [partsText('Samplers', samplers), partsText('Schedulers', schedulers)].join('\n\n');
}
