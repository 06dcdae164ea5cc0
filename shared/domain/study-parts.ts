/** What a study may name, and the schema of studies that knows it. */
import { z } from 'zod';
import { type Part, unknownPart } from './part.ts';
import type { PossibleByName } from './possible-values.ts';
import type { ParameterLevel, SearchSpace } from './search-space.ts';
import { AUTO_FORMAT, type DatasetSpec, refineStudy, studyFormSchema, tunerSettingsSchema } from './study.ts';

/** By level; what there is at the inference level is the same for all workloads. */
export type PossibleParameters = Readonly<Record<Exclude<ParameterLevel, 'inference'>, PossibleByName>>;

/** A workload as studies see it. */
export interface WorkloadInfo extends Part {
  /** The kind of data that it learns from, such as "images". */
  readonly takes: string;
  /** What it can do with each parameter that it reads. */
  readonly possible: PossibleParameters;
  /** The search space of a study that names none. Every parameter that the workload reads is in it. */
  readonly defaultSpace: SearchSpace;
  /** A complete study as YAML, to start from. */
  readonly exampleYaml: string;
}

/** A data format as studies see it. */
export interface DatasetFormatInfo extends Part {
  /** The kind of data that it holds, such as "images". */
  readonly holds: string;
  /** What else stands in `dataset:`. Each setting has a description; one that must be given has an example. */
  readonly settings: z.ZodObject;
}

export interface StudyParts {
  readonly workloads: readonly WorkloadInfo[];
  readonly formats: readonly DatasetFormatInfo[];
  readonly samplers: readonly Part[];
  readonly schedulers: readonly Part[];
}

/** A setting of a format, for forms and help. */
export interface SettingInfo {
  name: string;
  description: string;
  /** As JSON Schema calls it; null where it has several types. */
  type: string | null;
  /** Of a list whose entries are of one type. */
  itemType?: string;
  /** Whether a study must give it. */
  required: boolean;
  /** What it is where a study does not give it. */
  otherwise?: unknown;
  /** A value to start from. */
  example?: unknown;
}

/** What may stand in a study's `dataset:` beside the format's name, or in its `scenario:` beside the kind. */
export function settingsOf({ settings }: Pick<DatasetFormatInfo, 'settings'>): SettingInfo[] {
  const { properties = {}, required = [] } = z.toJSONSchema(settings, { io: 'input' });
  return Object.entries(properties as Record<string, z.core.JSONSchema.JSONSchema>)
    .filter(([, property]) => property.const === undefined)
    .map(([name, property]) => ({
      name,
      description: property.description ?? '',
      type: typeof property.type === 'string' ? property.type : null,
      ...itemTypeOf(property),
      required: required.includes(name),
      ...(property.default === undefined ? {} : { otherwise: property.default }),
      ...(property.examples === undefined ? {} : { example: property.examples[0] }),
    }));
}

function itemTypeOf({ items }: z.core.JSONSchema.JSONSchema): Pick<SettingInfo, 'itemType'> {
  return typeof items === 'object' && !Array.isArray(items) && typeof items.type === 'string'
    ? { itemType: items.type }
    : {};
}

/** The formats of the data that a workload learns from. */
export function formatsFor<Format extends Pick<DatasetFormatInfo, 'holds'>>(
  { takes }: Pick<WorkloadInfo, 'takes'>,
  formats: readonly Format[],
): Format[] {
  return formats.filter(({ holds }) => holds === takes);
}

/** Why a workload cannot learn from data in a format; null where it can. */
export function formatMismatch(
  workload: Pick<WorkloadInfo, 'name' | 'takes'>,
  format: Pick<DatasetFormatInfo, 'name' | 'holds'>,
  formats: readonly Pick<DatasetFormatInfo, 'name' | 'holds'>[],
): string | null {
  if (format.holds === workload.takes) return null;
  const fitting = formatsFor(workload, formats).map(({ name }) => name);
  return `a data set of format ${format.name} holds ${format.holds}; the workload ${workload.name} takes ${workload.takes}: use ${fitting.join(', ')}`;
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

/** `dataset:` with the formats that there are, each with its settings and their defaults. */
function datasetSchemaFor(formats: readonly DatasetFormatInfo[]) {
  const sections = formats.map(({ name, description, settings }) =>
    settings
      .safeExtend({ format: z.literal(name) })
      .strict()
      .describe(description),
  );
  // What else may stand there is known when the format is: whoever reads the data says it.
  const found = z
    .looseObject({
      format: z.literal(AUTO_FORMAT).default(AUTO_FORMAT),
      path: z
        .string({ error: 'is missing: name a folder, a file or a ZIP archive, or a format' })
        .min(1)
        .describe("folder, file or ZIP archive on the coordinator's machine"),
    })
    .describe('the format is found out by looking at the data, and said');
  const section = z.discriminatedUnion('format', [found, ...sections] as unknown as [z.core.$ZodTypeDiscriminable], {
    error: ({ code, input }) =>
      code === 'invalid_union' ? unknownPart('data format', Object(input).format, formats) : undefined,
  });
  // To the compiler it is a section of any format.
  return section as z.ZodType as z.ZodType<DatasetSpec, DatasetSpec>;
}

/** The keys of a new study, each by itself: with the names that there are, and in `dataset:` the settings of the format. */
export function studyFormFor(parts: StudyParts) {
  const { workload, dataset, tuner } = studyFormSchema.shape;
  return studyFormSchema.extend({
    workload: nameOf('workload', parts.workloads)
      .default(workload.parse(undefined))
      .describe(listed(workload, parts.workloads)),
    dataset: datasetSchemaFor(parts.formats).describe(listed(dataset, parts.formats)),
    tuner: tunerSettingsSchemaFor(parts)
      .prefault({})
      .describe(tuner.description ?? ''),
  });
}

/** The schema of a new study. */
export function studySchemaFor(parts: StudyParts) {
  return studyFormFor(parts).superRefine(refineStudy);
}
