/** What a study may name, and the schema of studies that knows it. */
import { z } from 'zod';
import { type Part, unknownPart } from './part.ts';
import { studySpecSchema, tunerSettingsSchema } from './study.ts';

export interface StudyParts {
  readonly samplers: readonly Part[];
  readonly schedulers: readonly Part[];
}

const nameOf = (kind: string, parts: readonly Part[]) =>
  z.enum(
    parts.map(({ name }) => name),
    { error: ({ input }) => unknownPart(kind, input, parts) },
  );

/** What a key is for, and what each name that it may have means: editors show it. */
const listed = ({ description }: z.ZodType, parts: readonly Part[]) =>
  [description, ...parts.map((part) => `- ${part.name}: ${part.description}`)].join('\n');

/** `tuner:` with the names that there are. */
export function tunerSettingsSchemaFor({ samplers, schedulers }: Pick<StudyParts, 'samplers' | 'schedulers'>) {
  const { sampler, scheduler } = tunerSettingsSchema.shape;
  return tunerSettingsSchema.extend({
    sampler: nameOf('sampler', samplers).default(sampler.parse(undefined)).describe(listed(sampler, samplers)),
    scheduler: nameOf('scheduler', schedulers)
      .default(scheduler.parse(undefined))
      .describe(listed(scheduler, schedulers)),
  });
}

/** The schema of a new study: `studySpecSchema` with the names that there are. */
export function studySchemaFor(parts: StudyParts) {
  const { tuner } = studySpecSchema.shape;
  return studySpecSchema.safeExtend({
    tuner: tunerSettingsSchemaFor(parts)
      .prefault({})
      .describe(tuner.description ?? ''),
  });
}
