/** The outcome of a study: models, and per device an inference config with its evidence. */
import { z } from 'zod';
import { confusionSchema } from './classification.ts';
import { inferenceConfigSchema } from './inference-config.ts';
import { sha256Schema, storedMeasurementSchema } from './measurement.ts';
import { candidateSchema } from './search-space.ts';

/** How well an exported file does on a split, in ONNX Runtime. */
export const splitScoresSchema = z.object({
  samples: z.int().min(0),
  /** `accuracy`, `loss`, `f1`, and `top5` where there are more than five classes. */
  metrics: z.record(z.string(), z.number()),
  /** In the order of the model's classes. */
  confusion: confusionSchema,
});
export type SplitScores = z.infer<typeof splitScoresSchema>;

/** Absent where older coordinators made it. */
const scoresSchema = z.object({ validation: splitScoresSchema, test: splitScoresSchema }).optional();

/** The same model in 8-bit integers, calibrated on the training split. */
export const quantisedModelSchema = z.object({
  onnxSha256: sha256Schema,
  onnxBytes: z.int().positive(),
  validationAccuracy: z.number(),
  testAccuracy: z.number(),
  scores: scoresSchema,
});
export type QuantisedModel = z.infer<typeof quantisedModelSchema>;

export const recommendedDeviceSchema = z.object({
  device: z.string(),
  config: inferenceConfigSchema,
  /** The measurement of exactly this model (trained weights; its int8 file where the config says int8) on this device. */
  measurement: storedMeasurementSchema,
  feasible: z.boolean(),
  /** The other non-dominated configs that were measured, and the best in another precision. */
  alternatives: z.array(storedMeasurementSchema),
  /** Why this precision and not the other one; null where there was no other. */
  precisionReason: z.string().nullable().default(null),
});

export const recommendedModelSchema = z.object({
  trialId: z.int().min(0),
  candidate: candidateSchema,
  onnxSha256: sha256Schema,
  onnxBytes: z.int().positive(),
  modelCardSha256: sha256Schema,
  /** On the validation split, which guided the search. */
  validationAccuracy: z.number(),
  /** On the test split, computed once, from the exported ONNX in ONNX Runtime. */
  testAccuracy: z.number(),
  scores: scoresSchema,
  /** What it answers, in the order of its outputs; absent where older coordinators made it. */
  classes: z.array(z.string()).optional(),
  /** Its int8 variant, or why there is none; null where the study does not ask for int8. */
  quantised: z
    .union([quantisedModelSchema, z.object({ reason: z.string() })])
    .nullable()
    .default(null),
  /** For which it was trained. */
  epochs: z.number(),
  /** After which of them the model stood that is exported, the best by validation; absent where older coordinators made it: the last. */
  bestEpoch: z.number().optional(),
  parameters: z.int().min(0),
  macs: z.number().min(0),
  devices: z.array(recommendedDeviceSchema),
  /** Devices of the study that have not measured it, and why; absent where older coordinators made it. */
  missing: z.array(z.object({ device: z.string(), reason: z.string() })).default([]),
  /** Whether it meets the constraints, as far as devices have measured it. */
  feasible: z.boolean(),
  /** The limits that it misses, in words; absent where older coordinators made it. */
  misses: z.array(z.string()).default([]),
});
export type RecommendedDevice = z.infer<typeof recommendedDeviceSchema>;
export type RecommendedModel = z.infer<typeof recommendedModelSchema>;

export const recommendationSchema = z.object({
  /** Best first; the first is the one that EdgeTune would take. */
  models: z.array(recommendedModelSchema),
  /** Why the first is first; absent where older coordinators made it. */
  why: z.string().nullable().default(null),
  /** True where the data were drawn by EdgeTune itself. */
  syntheticData: z.boolean(),
  summary: z.object({
    trials: z.int().min(0),
    infeasibleTrials: z.int().min(0),
    measurements: z.int().min(0),
    reusedMeasurements: z.int().min(0),
    /** Measurements that the searches would have made besides, had they tried every config; absent where older coordinators ran it. */
    savedMeasurements: z.int().min(0).optional(),
    trainingSeconds: z.number(),
    trainingCpuSeconds: z.number(),
    trainingEnergyJ: z.number(),
    /** Where that comes from; absent where older coordinators ran it, or where nothing was trained. */
    trainingEnergySource: z.enum(['meter', 'estimate', 'both']).optional(),
    deviceSeconds: z.number(),
    /** Of the measurements that told any; null: none did, as on boards without a meter. */
    deviceJoules: z.number().nullable(),
    wallSeconds: z.number(),
    /** Seconds in which nothing was trained or measured. */
    overheadSeconds: z.number(),
    /** Seconds for which training stood still so that a device on this machine could be measured. */
    pausedSeconds: z.number(),
    trainingBackend: z.string(),
  }),
});
export type Recommendation = z.infer<typeof recommendationSchema>;
