/** Ask and tell for any program: JSON lines to and from `edgetune tuner`, and what its specification holds. */
import { z } from 'zod';
import { budgetSchema } from '../domain/budget.ts';
import { namedValues } from '../domain/named-values.ts';
import { anyConstraintSchema, anyObjectiveSchema, parseAnyConstraint, parseAnyObjective } from '../domain/objective.ts';
import { candidateSchema } from '../domain/search-space.ts';
import { studySpecSchema } from '../domain/study.ts';
import { tunerSettingsSchemaFor } from '../domain/study-parts.ts';
import { written } from '../domain/written.ts';

const { objectives, prefer, budget, tuner, stop, space } = studySpecSchema.shape;

/** A program that measures by itself may name metrics of its own: "minimize regret", "violations <= 0". */
const constraint = written(anyConstraintSchema, parseAnyConstraint);
const objective = written(anyObjectiveSchema, parseAnyObjective);

/**
 * The parts of a study that concern the tuner. A whole study file will do, too: its other keys are ignored.
 * `devices` are names only; they need not be in a fleet.
 */
export const tunerSpecSchema = z.object({
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
});
export type TunerSpec = z.infer<typeof tunerSpecSchema>;

/** The schema of a new tuner: with the samplers and schedulers that there are. */
export function tunerSpecSchemaFor(parts: Parameters<typeof tunerSettingsSchemaFor>[0]) {
  return tunerSpecSchema.extend({ tuner: tunerSettingsSchemaFor(parts).prefault({}) });
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

/** A tuner over HTTP. */
export const tunerViewSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  /** Jobs that were asked and are not told: a program that lost an answer finds it here. */
  open: z.array(tunerJobSchema),
});
export type TunerView = z.infer<typeof tunerViewSchema>;
export const tunerListSchema = z.object({ tuners: z.array(tunerViewSchema.omit({ open: true })) });

/** JSON knows no NaN: null stands for it (a diverged loss). */
const toldMetrics = namedValues(z.number().nullable());

/** What came of a job. */
export const toldSchema = z.strictObject({
  trial: z.int().min(0),
  rung: z.int().min(0).default(0),
  metrics: toldMetrics.default({}),
  /** Present: the trial crashed, and why. */
  failed: z.string().optional(),
  /** Sum of relative constraint violations; absent: computed from the metrics. */
  violation: z.number().min(0).optional(),
  cost: z.strictObject({ seconds: z.number().min(0).default(0), joules: z.number().min(0).default(0) }).prefault({}),
});
export type Told = z.infer<typeof toldSchema>;

/** What a tuner's journal holds: enough to be where it was after a restart. */
export const tunerEntrySchema = z.union([
  z.strictObject({ ask: tunerJobSchema.extend({ ask: z.int().min(0), bracket: z.int().min(0) }) }),
  z.strictObject({ tell: toldSchema }),
]);
export type TunerEntry = z.infer<typeof tunerEntrySchema>;

/** One question. `id` is optional and comes back in the answer. */
export const tunerRequestSchema = z.union([
  z.strictObject({ id: z.union([z.string(), z.number()]).optional(), ask: z.unknown() }),
  z.strictObject({
    id: z.union([z.string(), z.number()]).optional(),
    tell: toldSchema,
  }),
  z.strictObject({ id: z.union([z.string(), z.number()]).optional(), best: z.unknown() }),
  z.strictObject({ id: z.union([z.string(), z.number()]).optional(), front: z.unknown() }),
]);
export type TunerRequest = z.infer<typeof tunerRequestSchema>;
