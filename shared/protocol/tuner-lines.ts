/** Ask and tell for any program: JSON lines to and from `edgetune tuner`, and what its specification holds. */
import { z } from 'zod';
import { budgetSchema } from '../domain/budget.ts';
import { namedValues } from '../domain/named-values.ts';
import { anyConstraintSchema, anyObjectiveSchema, parseAnyConstraint, parseAnyObjective } from '../domain/objective.ts';
import { candidateSchema } from '../domain/search-space.ts';
import { studySpecSchema } from '../domain/study.ts';
import { tunerSettingsSchemaFor } from '../domain/study-parts.ts';
import { written } from '../domain/written.ts';

const { name, objectives, prefer, budget, tuner, stop, space } = studySpecSchema.shape;

/** Seconds after which a job that nobody has told, or shown progress of, is given to whoever asks next. */
const leaseSchema = z
  .number()
  .positive()
  .max(30 * 86_400);

/** A program that measures by itself may name metrics of its own: "minimize regret", "violations <= 0". */
const constraint = written(anyConstraintSchema, parseAnyConstraint);
const objective = written(anyObjectiveSchema, parseAnyObjective);

/**
 * The parts of a study that concern the tuner. A whole study file will do, too: its other keys are ignored.
 * `devices` are names only; they need not be in a fleet.
 */
export const tunerSpecSchema = z.object({
  /** By which it is called, over HTTP. */
  name: name.optional(),
  space: space.unwrap(),
  devices: z.array(z.string().min(1)).default([]),
  objectives: z.array(objective).min(1).default(objectives.parse(undefined)),
  prefer,
  constraints: z.array(constraint).default([]),
  budget,
  tuner,
  stop: stop
    .unwrap()
    .extend({ target: z.array(constraint).default([]) })
    .prefault({}),
  deterministic: z.boolean().default(false),
  leaseS: leaseSchema.optional(),
});
export type TunerSpec = z.infer<typeof tunerSpecSchema>;

/** What else stands in a study, and says nothing to a tuner. */
const OF_STUDIES = Object.keys(studySpecSchema.shape).filter((key) => !Object.hasOwn(tunerSpecSchema.shape, key));

/**
 * The schema of a new tuner: with the samplers and schedulers that there are; a key that neither a tuner nor a study has
 * is a mistake.
 */
export function tunerSpecSchemaFor(parts: Parameters<typeof tunerSettingsSchemaFor>[0]) {
  const own = { ...tunerSpecSchema.shape, tuner: tunerSettingsSchemaFor(parts).prefault({}) };
  const ignored: Record<string, z.ZodOptional<z.ZodUnknown>> = {};
  for (const key of OF_STUDIES) ignored[key] = z.unknown().optional();
  return z.strictObject({ ...ignored, ...own });
}

/** Where a program should go on: the job that an ask gave. */
export const tunerJobSchema = z.object({
  trial: z.int().min(0),
  rung: z.int().min(0),
  candidate: candidateSchema,
  budget: budgetSchema,
  proposedBy: z.string(),
});
export type TunerJob = z.infer<typeof tunerJobSchema>;

/** How far a search has come. */
export const tunerProgressSchema = z.object({
  /** `finished`: nothing more is asked, and everything is told. */
  state: z.enum(['running', 'finished']),
  /** Trials that were begun. */
  trials: z.int().min(0),
});
export type TunerProgress = z.infer<typeof tunerProgressSchema>;

/** A job that was asked and is not told. */
const openJobSchema = tunerJobSchema.extend({
  /** When it is given to whoever asks next. Absent: never. */
  leaseUntil: z.iso.datetime().optional(),
  /** How often it was given to another one. Absent: never. */
  again: z.int().min(1).optional(),
});
export type OpenJob = z.infer<typeof openJobSchema>;

/** A trial that was told without metrics that constraints limit. */
const undecidedSchema = z.object({ trial: z.int(), rung: z.int(), missing: z.array(z.string()) });
export type Undecided = z.infer<typeof undecidedSchema>;

/** What a tuner says of itself. */
export const tunerStandingSchema = z.object({
  ...tunerProgressSchema.shape,
  /** Jobs that were asked and are not told: a program that lost an answer finds it here. */
  open: z.array(openJobSchema),
  /** Trials of which it is not known whether they meet the constraints. */
  undecided: z.array(undecidedSchema),
});
export type TunerStanding = z.infer<typeof tunerStandingSchema>;

/** A tuner over HTTP. */
export const tunerViewSchema = z.object({
  id: z.string(),
  /** Null: it was given none. */
  name: z.string().nullable(),
  createdAt: z.string(),
  ...tunerStandingSchema.shape,
});
export type TunerView = z.infer<typeof tunerViewSchema>;
const tunerSummarySchema = tunerViewSchema.omit({ open: true, undecided: true });
export type TunerSummary = z.infer<typeof tunerSummarySchema>;
export const tunerListSchema = z.object({ tuners: z.array(tunerSummarySchema) });

/** JSON knows no NaN: null stands for it (a diverged loss). */
const toldMetrics = namedValues(z.number().nullable());

/** What came of a job. */
export const toldSchema = z.strictObject({
  trial: z.int().min(0),
  rung: z.int().min(0).default(0),
  metrics: toldMetrics.default({}),
  /** Devices that have not answered yet: their metrics may be missing. */
  pending: z.array(z.string()).optional(),
  /** Present: the trial crashed, and why. */
  failed: z.string().optional(),
  /** Sum of relative constraint violations; absent: computed from the metrics. */
  violation: z.number().min(0).optional(),
  cost: z.strictObject({ seconds: z.number().min(0).default(0), joules: z.number().min(0).default(0) }).prefault({}),
});
export type Told = z.infer<typeof toldSchema>;

/** What is known of a job only after it was told. */
const addedSchema = toldSchema.pick({ trial: true, rung: true, metrics: true, violation: true });
export type Added = z.infer<typeof addedSchema>;

/** A job's lease; `untilMs`: when it ends, in milliseconds since 1970. Absent: never. */
const jobLeaseSchema = z.strictObject({
  trial: z.int().min(0),
  untilMs: z.number().optional(),
  /** How often the job was given to another one. */
  again: z.int().min(0),
});
export type JobLease = z.infer<typeof jobLeaseSchema>;

/** What a tuner's journal holds: enough to be where it was after a restart. */
export const tunerEntrySchema = z.union([
  z.strictObject({
    ask: tunerJobSchema.extend({ ask: z.int().min(0), bracket: z.int().min(0) }),
    /** As in a lease. */
    untilMs: z.number().optional(),
  }),
  z.strictObject({ tell: toldSchema }),
  z.strictObject({ amend: addedSchema }),
  /** A lease that was renewed, or given to another one. */
  z.strictObject({ lease: jobLeaseSchema }),
]);
export type TunerEntry = z.infer<typeof tunerEntrySchema>;

const id = z.union([z.string(), z.number()]).optional();
const nothingMore = z.strictObject({}).nullable();
const progressedSchema = z.strictObject({
  trial: z.int().min(0),
  rung: z.int().min(0).default(0),
  leaseS: leaseSchema.optional(),
});
export type Progressed = z.infer<typeof progressedSchema>;

/** The kinds of messages, in the order of `tunerRequestSchema`. */
export const REQUEST_KINDS = ['ask', 'tell', 'amend', 'progress', 'best', 'front'] as const;

/** One question. `id` is optional and comes back in the answer. */
export const tunerRequestSchema = z.union([
  z.strictObject({ id, ask: z.strictObject({ leaseS: leaseSchema.optional() }).nullable() }),
  z.strictObject({ id, tell: toldSchema }),
  z.strictObject({ id, amend: addedSchema }),
  z.strictObject({ id, progress: progressedSchema }),
  z.strictObject({ id, best: nothingMore }),
  z.strictObject({ id, front: nothingMore }),
]);
export type TunerRequest = z.infer<typeof tunerRequestSchema>;
