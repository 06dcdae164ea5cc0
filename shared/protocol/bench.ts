/**
 * `edgetune bench`: the best way to run any ONNX model on each of some devices, without training.
 * POST /api/bench/models (the file as the body) → `benchModelSchema`; POST /api/bench → `benchViewSchema`;
 * GET /api/bench/:id → `benchViewSchema`; DELETE /api/bench/:id cancels.
 */
import { z } from 'zod';
import { deviceNameSchema } from '../domain/device.ts';
import { precisionSchema } from '../domain/inference-config.ts';
import { sha256Schema, storedMeasurementSchema } from '../domain/measurement.ts';
import { constraintSchema, objectiveSchema, parseConstraint, parseObjective } from '../domain/objective.ts';
import { scenarioSchema } from '../domain/scenario.ts';

export const benchModelSchema = z.object({ modelSha256: sha256Schema, modelBytes: z.int().positive() });
export type BenchModel = z.infer<typeof benchModelSchema>;

const written = <T>(parse: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

export const benchRequestSchema = z.object({
  modelSha256: sha256Schema,
  /** What to call the model in reports, such as its file name. */
  modelName: z.string().min(1).max(200).default('model.onnx'),
  devices: z.array(deviceNameSchema).min(1),
  scenario: scenarioSchema.default({ kind: 'single-stream' }),
  /** As people write them: "minimize latency.p99", "latency.p99 <= 30 ms". */
  objectives: z.array(written(parseObjective)).default([]),
  constraints: z.array(written(parseConstraint)).default([]),
  batchSizes: z.array(z.int().min(1).max(4096)).min(1).default([1, 2, 4, 8, 16, 32]),
  /** Absent: 1 to the number of cores of each device. */
  threads: z.array(z.int().min(1).max(256)).min(1).optional(),
  precisions: z.array(precisionSchema).min(1).default(['float32']),
  /** Sizes of symbolic dimensions other than the batch, by name. */
  dimensions: z.record(z.string(), z.int().positive()).default({}),
});
/** As a client writes it. */
export type BenchRequestBody = z.input<typeof benchRequestSchema>;
export type BenchRequest = z.infer<typeof benchRequestSchema>;

export const benchDeviceSchema = z.object({
  device: deviceNameSchema,
  state: z.enum(['running', 'finished', 'failed', 'cancelled']),
  /** Why there is no recommendation, or why the recommended config breaks a constraint. */
  reason: z.string().nullable(),
  feasible: z.boolean(),
  best: storedMeasurementSchema.nullable(),
  /** In the order in which they came. */
  measurements: z.array(storedMeasurementSchema),
  measured: z.int().min(0),
  reused: z.int().min(0),
  /** Inference configs that the device could have been asked for; null until it is known. */
  possible: z.int().min(0).nullable(),
});
export type BenchDevice = z.infer<typeof benchDeviceSchema>;

export const benchViewSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'finished', 'cancelled']),
  modelName: z.string(),
  modelSha256: sha256Schema,
  modelBytes: z.int().positive(),
  signature: z.string(),
  scenario: scenarioSchema,
  objectives: z.array(objectiveSchema),
  constraints: z.array(constraintSchema),
  startedAt: z.string(),
  devices: z.array(benchDeviceSchema),
});
export type BenchView = z.infer<typeof benchViewSchema>;
