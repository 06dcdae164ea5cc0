/** The outcome of a study: models, and per device an inference config with its evidence. */
import { z } from 'zod';
import { inferenceConfigSchema } from './inference-config.ts';
import { sha256Schema, storedMeasurementSchema } from './measurement.ts';
import { candidateSchema } from './search-space.ts';

export const recommendedDeviceSchema = z.object({
  device: z.string(),
  config: inferenceConfigSchema,
  /** The measurement of exactly this model (trained weights) with this config on this device. */
  measurement: storedMeasurementSchema,
  feasible: z.boolean(),
  /** The other non-dominated configs that were measured. */
  alternatives: z.array(storedMeasurementSchema),
});
export type RecommendedDevice = z.infer<typeof recommendedDeviceSchema>;

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
  epochs: z.number(),
  parameters: z.int().min(0),
  macs: z.number().min(0),
  devices: z.array(recommendedDeviceSchema),
  feasible: z.boolean(),
});
export type RecommendedModel = z.infer<typeof recommendedModelSchema>;

export const recommendationSchema = z.object({
  /** Best first; the first is the one that EdgeTune would take. */
  models: z.array(recommendedModelSchema),
  /** True where the data were drawn by EdgeTune itself. */
  syntheticData: z.boolean(),
  summary: z.object({
    trials: z.int().min(0),
    infeasibleTrials: z.int().min(0),
    measurements: z.int().min(0),
    reusedMeasurements: z.int().min(0),
    trainingSeconds: z.number(),
    trainingCpuSeconds: z.number(),
    trainingEnergyJ: z.number(),
    deviceSeconds: z.number(),
    deviceJoules: z.number(),
    wallSeconds: z.number(),
    /** Seconds in which nothing was trained or measured. */
    overheadSeconds: z.number(),
    /** Seconds for which training stood still so that a device on this machine could be measured. */
    pausedSeconds: z.number(),
    trainingBackend: z.string(),
  }),
});
export type Recommendation = z.infer<typeof recommendationSchema>;
