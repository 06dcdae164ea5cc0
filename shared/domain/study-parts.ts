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

/** `tuner:` with the names that there are. */
export function tunerSettingsSchemaFor({ samplers, schedulers }: Pick<StudyParts, 'samplers' | 'schedulers'>) {
  const { sampler, scheduler } = tunerSettingsSchema.shape;
  return tunerSettingsSchema.extend({
    sampler: nameOf('sampler', samplers).default(sampler.parse(undefined)),
    scheduler: nameOf('scheduler', schedulers).default(scheduler.parse(undefined)),
  });
}

/** The schema of a new study: `studySpecSchema` with the names that there are. */
export function studySchemaFor(parts: StudyParts) {
  return studySpecSchema.safeExtend({ tuner: tunerSettingsSchemaFor(parts).prefault({}) });
}
