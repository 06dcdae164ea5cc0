/**
 * What happens in a study, in order. The events are durable: the tuner's state and everything that the pages show
 * are functions of them. `seq` and `at` are given by the store.
 */
import { z } from 'zod';
import { budgetSchema } from './budget.ts';
import { datasetEvidenceSchema } from './dataset-report.ts';
import { earlierSchema } from './earlier.ts';
import { inferenceConfigSchema } from './inference-config.ts';
import { sha256Schema, storedMeasurementSchema } from './measurement.ts';
import { recommendationSchema } from './recommendation.ts';
import { candidateSchema } from './search-space.ts';
import { studySpecSchema, studyStateSchema } from './study.ts';

export const trialIdSchema = z.int().min(0);
const trialRung = { trialId: trialIdSchema, rung: z.int().min(0) };
/** Metrics by name in base units: `accuracy`, `loss`, `trainingTime`, …, and per device `latency.p50@kitchen-pi`. */
export const metricsSchema = z.record(z.string(), z.number());
export type Metrics = z.infer<typeof metricsSchema>;

/** Lower and upper end by metric. */
export const intervalsSchema = z.record(z.string(), z.tuple([z.number(), z.number()]));
export type Intervals = z.infer<typeof intervalsSchema>;

/**
 * A device as a study sees it. `expected`: its answers are waited for; `retrying`: it is in trouble and tried again;
 * `marked`: it has been for long, so that nothing waits for it, though it is tried now and then; `left-out`: the study goes
 * on without it because a person said so.
 */
export const studyDeviceSchema = z.object({
  /** By which objectives, constraints and metrics call it. */
  device: z.string(),
  /** Which device of the fleet it is: another one may have taken its place. */
  deviceId: z.string(),
  /** Ids of this very board before: it was removed, and added again. What it said under them counts on. Absent: none. */
  formerIds: z.array(z.string()).optional(),
  standing: z.enum(['expected', 'retrying', 'marked', 'left-out']),
  /** Why it stands so, and what to do; null where there is nothing to say. */
  reason: z.string().nullable(),
});
export type StudyDevice = z.infer<typeof studyDeviceSchema>;

export const studyEventBodySchema = z.discriminatedUnion('type', [
  /** Always the first: the study with all defaults filled in, and the ids of its devices (names may change later). */
  z.object({
    type: z.literal('study-created'),
    spec: studySpecSchema,
    deviceIds: z.record(z.string(), z.string()),
    /** What it has taken over from the study that it starts from. Absent: it starts from none. */
    earlier: earlierSchema.optional(),
  }),
  /** What its data are, as they were read when it began; compared with the disk before each rung. */
  z.object({ type: z.literal('dataset-read'), evidence: datasetEvidenceSchema }),
  z.object({ type: z.literal('study-state'), state: studyStateSchema, reason: z.string().nullable() }),
  /** The tuner's answer to ask number `ask`: a new candidate, or an older trial promoted to a higher rung. */
  z.object({
    type: z.literal('trial-asked'),
    ask: z.int().min(0),
    ...trialRung,
    bracket: z.int().min(0),
    candidate: candidateSchema,
    budget: budgetSchema,
    proposedBy: z.string(),
  }),
  z.object({
    type: z.literal('architecture-built'),
    trialId: trialIdSchema,
    signature: z.string(),
    modelSha256: sha256Schema,
    modelBytes: z.int().positive(),
    /** By which the exported file is larger, with its labels and its candidate; absent in studies of before that was counted. */
    metadataBytes: z.int().min(0).optional(),
    /** Of the graph that is exported, with batch normalisation folded; in studies of before, of the one that is trained. */
    parameters: z.int().min(0),
    macs: z.number().min(0),
    /** What the predictor knows architectures by (`architectureCoordinates`); absent in studies of before it was kept. */
    coordinates: z.array(z.number()).optional(),
    /** The same architecture in 8-bit integers, or why there is none; absent where the study does not ask for int8. */
    int8: z
      .union([
        z.object({ signature: z.string(), modelSha256: sha256Schema, modelBytes: z.int().positive() }),
        z.object({ reason: z.string() }),
      ])
      .optional(),
  }),
  z.object({
    type: z.literal('training-started'),
    ...trialRung,
    backend: z.string(),
    trainingCores: z.int().positive(),
  }),
  /** Its metrics are on the validation samples that judge epochs, not on the whole split. */
  z.object({ type: z.literal('epoch'), ...trialRung, epoch: z.number(), metrics: metricsSchema }),
  z.object({
    type: z.literal('training-finished'),
    ...trialRung,
    /** Of the state that would be exported, on the whole validation split. */
    metrics: metricsSchema,
    /** After which epoch that stood: the best; absent in events of before it was kept, which exported the last. */
    bestEpoch: z.number().optional(),
    /** Of the last state, from which training goes on, and of the best. */
    checkpointSha256: sha256Schema.nullable(),
    seconds: z.number().min(0),
    cpuSeconds: z.number().min(0),
    energyJ: z.number().min(0),
    energySource: z.enum(['meter', 'estimate']),
  }),
  /** The process that trained it was killed; the rung begins again from the trial's last checkpoint. */
  z.object({ type: z.literal('training-interrupted'), ...trialRung, reason: z.string() }),
  z.object({ type: z.literal('training-failed'), ...trialRung, reason: z.string() }),
  z.object({ type: z.literal('inference-started'), trialId: trialIdSchema, signature: z.string(), device: z.string() }),
  /** `source`: measured for this study now, or reused from the history of the device or its class. */
  z.object({
    type: z.literal('measured'),
    trialId: trialIdSchema,
    measurement: storedMeasurementSchema,
    source: z.enum(['measured', 'reused-device', 'reused-class']),
  }),
  z.object({
    type: z.literal('inference-finished'),
    trialId: trialIdSchema,
    signature: z.string(),
    device: z.string(),
    best: inferenceConfigSchema.nullable(),
    /** Feasible without a best config: the device gave no valid measurement, and nothing is known of the architecture. */
    feasible: z.boolean(),
    /** Smallest sum of relative constraint violations over the configs (0: feasible). */
    violation: z.number().min(0),
    /** Metrics of the best config, by the names of `metricsOf`; empty where nothing could be measured. */
    metrics: metricsSchema,
    measurements: z.int().min(0),
    /** Configs that the device could have been asked for; absent in events of older coordinators. */
    possible: z.int().min(0).optional(),
    reason: z.string().nullable(),
  }),
  /** What the tuner was told for this rung. */
  z.object({
    type: z.literal('trial-told'),
    ...trialRung,
    status: z.enum(['ok', 'infeasible', 'failed', 'stopped']),
    /** True where it failed because its process was killed again and again: that says nothing of the candidate. Absent: no. */
    crashed: z.boolean().optional(),
    metrics: metricsSchema,
    /** Metrics of the list above that are predictions still. */
    predicted: z.array(z.string()),
    /** Of these, between what the value lies with 95 %; absent where nothing was predicted, and in events of before it was kept. */
    intervals: intervalsSchema.optional(),
    /** Devices of which metrics are missing: they have not answered, and there is no ground for a prediction. Absent: none. */
    pending: z.array(z.string()).optional(),
    /** Sum of relative constraint violations; 0 when all hold. */
    violation: z.number().min(0),
    cost: z.object({ seconds: z.number(), joules: z.number() }),
    reason: z.string().nullable(),
  }),
  /** What was told earlier is known better: metrics that were predicted or missing, and what counts no longer. */
  z.object({
    type: z.literal('trial-amended'),
    ...trialRung,
    metrics: metricsSchema,
    violation: z.number().min(0),
    /** Names of metrics that were told and are taken back: predictions that nothing has confirmed, or of a device that is left out. Absent: none. */
    withdrawn: z.array(z.string()).optional(),
  }),
  /** How a device of the study stands, and which one of the fleet it is. */
  z.object({ type: z.literal('study-device'), ...studyDeviceSchema.shape }),
  /** A person lets a study that had ended go on. Until the next recommendation the last one holds. */
  z.object({
    type: z.literal('study-extended'),
    /** So many trials it may start in all. Absent: as many as before. */
    trials: z.int().positive().optional(),
    /** For so many epochs its highest rung trains from now on, above the rungs that it has. Absent: as many as before. */
    epochs: z.int().positive().optional(),
    /** So much time and energy it may take in all, of which what it has taken counts. Absent: as much as before. */
    timeS: z.number().positive().optional(),
    energyJ: z.number().positive().optional(),
    /** Devices that belong to it from now on, with their ids; of the trials of before they are pending. Absent: none. */
    deviceIds: z.record(z.string(), z.string()).optional(),
  }),
  /** A stretch of time on a lane of the study's timeline ("training 1", a device's name, "study"). */
  z.object({
    type: z.literal('span'),
    lane: z.string(),
    kind: z.enum(['training', 'measuring', 'paused', 'exporting', 'waiting']),
    trialId: trialIdSchema.nullable(),
    startMs: z.number(),
    endMs: z.number(),
  }),
  z.object({ type: z.literal('warning'), message: z.string() }),
  z.object({ type: z.literal('recommendation'), recommendation: recommendationSchema }),
]);
export type StudyEventBody = z.infer<typeof studyEventBodySchema>;

export const studyEventSchema = z.object({
  seq: z.int().positive(),
  studyId: z.string(),
  at: z.string(),
  body: studyEventBodySchema,
});
export type StudyEvent = z.infer<typeof studyEventSchema>;
