/** A study: what to train, on which data, over which space, for which devices, and what counts as good. */
import { z } from 'zod';
import { deviceNameSchema } from './device.ts';
import { didYouMean } from './did-you-mean.ts';
import { namedValues } from './named-values.ts';
import { constraintInputSchema, objectiveInputSchema, parseConstraint, parseObjective } from './objective.ts';
import { parsePrefer, preferIssues, preferSchema } from './prefer.ts';
import { scenarioInputSchema } from './scenario.ts';
import { candidateSchema, parameterValueSchema, searchSpaceSchema } from './search-space.ts';
import { written } from './written.ts';

/**
 * Where the samples come from. What else stands in it is the format's (`studySchemaFor`): often `path`, a folder or a file
 * on the coordinator's machine.
 */
export const datasetSchema = z.looseObject({ format: z.string().min(1) });
/** Of a new study that names no format: it is found out by looking at the data, and stands in the study from then on. */
export const AUTO_FORMAT = 'auto';
export type DatasetSpec = z.infer<typeof datasetSchema>;

/** Formats that are named so hold what EdgeTune draws itself, for demos and tests: every result says so. */
export const isSynthetic = ({ format }: DatasetSpec) => format.startsWith('synthetic-');

export const budgetLadderSchema = z.strictObject({
  minEpochs: z.int().min(1).default(1).describe('Epochs of the lowest rung'),
  maxEpochs: z.int().min(1).default(9).describe('Epochs of the highest rung'),
  throughEpochs: z
    .array(z.int().min(1))
    .max(20)
    .optional()
    .describe(
      'Epochs that were the highest before the study was extended: up to each the rungs are those that it had then',
    ),
  minDataFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(0.3)
    .describe(
      'Share of the training split that the lowest rung sees; equal to the maximum: epochs are the only budget',
    ),
  maxDataFraction: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe('Share of the training split that the highest rung sees'),
  reductionFactor: z
    .number()
    .min(2)
    .max(10)
    .default(3)
    .describe("Successive halving's η: the best 1/η of a rung go on, with η times its budget"),
});

export const tunerSettingsSchema = z.strictObject({
  mode: z
    .enum(['onefold', 'hierarchical', 'accuracy-only', 'hyperpower', 'top-k-after-one-epoch'])
    .default('onefold')
    .describe('onefold searches all levels at once; the others are there to compare with'),
  sampler: z.string().min(1).default('auto').describe('What proposes candidates'),
  scheduler: z.string().min(1).default('auto').describe('What decides how much is spent on which'),
  seed: z.int().default(1).describe('Of all random numbers of the search'),
  rungSizing: z
    .enum(['nominal', 'seconds', 'joules'])
    .optional()
    .describe(
      'Rungs are sized by counting trials (nominal, the default), or so that each costs as many seconds or joules as the one below',
    ),
  initialCandidates: z.array(candidateSchema).default([]).describe('Candidates to try first, each complete or partial'),
});

export const quantisationSchema = z.strictObject({
  maxAccuracyDrop: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe(
      'Validation accuracy that an int8 variant may cost (0.01: one point) where the float32 model meets the constraints, too',
    ),
});

export const stopCriteriaSchema = z.strictObject({
  trials: z.int().positive().default(20).describe('Candidates to start at most'),
  timeS: z.number().positive().optional().describe('Seconds after which nothing more is started'),
  energyJ: z.number().positive().optional().describe('Joules of training after which nothing more is started'),
  target: z
    .array(written(constraintInputSchema, parseConstraint, ['accuracy >= 0.9']))
    .default([])
    .describe('Stop when one feasible trial reaches all of these'),
  noImprovement: z
    .int()
    .positive()
    .optional()
    .describe('Stop after so many finished trials without a better hypervolume'),
});

export const studyNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$/, 'a study name has 1 to 100 letters, digits, spaces, ".", "_" or "-"');

/** The keys of a study, each by itself. */
export const studyFormSchema = z.strictObject({
  name: studyNameSchema.describe('By which the study is called; 1 to 100 letters, digits, spaces, ".", "_" or "-"'),
  workload: z.string().min(1).default('image-classifier').describe('What is trained'),
  dataset: datasetSchema.describe('Where the samples come from'),
  space: searchSpaceSchema.optional().describe("Parameters by level; absent: the workload's own space"),
  devices: z
    .array(deviceNameSchema)
    .min(1, 'name at least one device of the fleet')
    .describe('Names of the devices to tune for'),
  from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Id or name of an earlier study, whose trials inform the search; they are taken over when this one is made',
    ),
  scenario: scenarioInputSchema.default({ kind: 'single-stream' }).describe('How queries arrive, as MLPerf defines it'),
  objectives: z
    .array(written(objectiveInputSchema, parseObjective, ['maximize accuracy', 'minimize latency.p99 on kitchen-pi']))
    .min(1)
    .default(() => ['maximize accuracy', 'minimize latency.p50'].map(parseObjective))
    .describe('What is searched for; the first leads'),
  prefer: written(preferSchema, parsePrefer, ['at most 1 point of accuracy for 20 % of latency.p50'])
    .optional()
    .describe('What may be given of the first objective, which leads, and what a share of each is worth'),
  constraints: z
    .array(written(constraintInputSchema, parseConstraint, ['latency.p99 <= 30 ms on kitchen-pi', 'memory <= 64 MB']))
    .default([])
    .describe('What must hold'),
  budget: budgetLadderSchema.prefault({}).describe('What the lowest and the highest rung may spend'),
  tuner: tunerSettingsSchema.prefault({}).describe('How the search goes about it'),
  stop: stopCriteriaSchema.prefault({}).describe('When the search is over'),
  quantisation: quantisationSchema.prefault({}).describe('What an int8 model may cost'),
  recommend: z
    .int()
    .min(1)
    .max(20)
    .default(3)
    .describe('Models that are trained to the full budget and recommended at the end, at most'),
  parallelTrials: z
    .int()
    .positive()
    .optional()
    .describe('Trials side by side at most; absent: as many as the cores allow'),
  trainingRetries: z
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe(
      'How often a rung whose process was killed (for want of memory, say) begins again from its last checkpoint',
    ),
  deterministic: z
    .boolean()
    .default(false)
    .describe('Synchronous rungs and tells in trial order: same seed, same outcome (simulated devices only)'),
  notes: namedValues(parameterValueSchema).default({}).describe('Whatever you want to remember of it'),
});

/** What of a study is known when some of its keys cannot be read. */
export type ReadableStudy = Partial<z.infer<typeof studyFormSchema>>;

/**
 * What is wrong with keys together.
 * @param broken keys of which something could not be read: nothing is said to be missing there
 */
export function studyIssues(
  { budget, prefer, devices, objectives, constraints = [], stop }: ReadableStudy,
  broken: ReadonlySet<string> = new Set(),
): { path: PropertyKey[]; message: string }[] {
  const issues: { path: PropertyKey[]; message: string }[] = [];
  const issue = (path: PropertyKey[], message: string) => issues.push({ path, message });
  if (budget && budget.minEpochs > budget.maxEpochs)
    issue(['budget', 'minEpochs'], `must be at most maxEpochs (${budget.maxEpochs})`);
  for (const [index, epochs] of (budget?.throughEpochs ?? []).entries()) {
    const [least, most] = [budget?.throughEpochs?.[index - 1] ?? 0, budget?.maxEpochs ?? Infinity];
    if (epochs <= least) issue(['budget', 'throughEpochs', index], `must be more than the one before (${least})`);
    if (epochs < (budget?.minEpochs ?? 1))
      issue(['budget', 'throughEpochs', index], `must be at least minEpochs (${budget?.minEpochs})`);
    if (epochs >= most) issue(['budget', 'throughEpochs', index], `must be less than maxEpochs (${most})`);
  }
  if (budget && budget.minDataFraction > budget.maxDataFraction)
    issue(['budget', 'minDataFraction'], `must be at most maxDataFraction (${budget.maxDataFraction})`);
  if (!devices || broken.has('devices')) return issues;
  if (prefer && objectives && !broken.has('objectives'))
    for (const { path, message } of preferIssues(prefer, objectives, devices)) issue(['prefer', ...path], message);
  const twice = devices.filter((name, index) => devices.indexOf(name) !== index);
  if (twice.length > 0) issue(['devices'], `named twice: ${twice.join(', ')}`);
  for (const { path, list } of metricsNamedIn({
    objectives: objectives ?? [],
    constraints,
    stop: stop ?? { target: [] },
  }))
    for (const [index, { device }] of list.entries())
      if (device !== undefined && !devices.includes(device))
        issue(
          [...path, index],
          `device "${device}" is not one of the study's devices (${devices.join(', ')})${didYouMean(device, devices)}`,
        );
  return issues;
}

/** To be said where a study is parsed whole. */
export function refineStudy(spec: ReadableStudy, context: z.RefinementCtx): void {
  for (const { path, message } of studyIssues(spec)) context.addIssue({ code: 'custom', path, message });
}

/**
 * A study, whatever parts it names: also one that was written by a version with other parts. A new one is checked by
 * `studySchemaFor` (`study-parts.ts`), which knows the parts that there are.
 */
export const studySpecSchema = studyFormSchema.superRefine(refineStudy);
export type StudySpec = z.infer<typeof studySpecSchema>;

/** What a study wants of metrics. */
export type Asked = Pick<StudySpec, 'objectives' | 'constraints'> & {
  stop: Pick<StudySpec['stop'], 'target'>;
};

/** Where a study names metrics, each perhaps on a device. */
export function metricsNamedIn({ objectives, constraints, stop }: Asked) {
  return [
    { path: ['objectives'], list: objectives },
    { path: ['constraints'], list: constraints },
    { path: ['stop', 'target'], list: stop.target },
  ] satisfies { path: string[]; list: readonly { metric: string; device?: string | undefined }[] }[];
}
/** A study as a person writes it: defaults may be left out. */
export type StudySpecInput = z.input<typeof studySpecSchema>;

export const studyStateSchema = z.enum(['queued', 'running', 'waiting', 'stopping', 'stopped', 'succeeded', 'failed']);
export type StudyState = z.infer<typeof studyStateSchema>;
