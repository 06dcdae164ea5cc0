/**
 * `edgetune bench`: the best way to run any ONNX model on each of some devices, without training.
 * POST /api/bench/models (the file as the body, or a form with `model` and the files beside it as `data`) → `benchModelSchema`; POST /api/bench → `benchViewSchema`;
 * GET /api/bench → `benchListSchema`; GET /api/bench/:id → `benchViewSchema`; POST /api/bench/:id/cancel stops a bench;
 * DELETE /api/bench/:id forgets one that has ended.
 */
import { z } from 'zod';
import { boardDescriptionSchema, deviceNameSchema } from '../domain/device.ts';
import { precisionSchema } from '../domain/inference-config.ts';
import { sha256Schema, storedMeasurementSchema } from '../domain/measurement.ts';
import { namedValues } from '../domain/named-values.ts';
import {
  constraintInputSchema,
  constraintSchema,
  objectiveInputSchema,
  objectiveSchema,
  parseConstraint,
  parseObjective,
} from '../domain/objective.ts';
import { scenarioInputSchema, scenarioSchema } from '../domain/scenario.ts';
import { written } from '../domain/written.ts';

/** A model that was uploaded and can be read: what a bench must be told of it. */
export const benchModelSchema = z.object({
  modelSha256: sha256Schema,
  modelBytes: z.int().positive(),
  inputs: z.array(
    z.object({
      name: z.string(),
      dtype: z.string(),
      /** Names: symbolic sizes; null: a size without a name, or (for the whole) an unknown rank. */
      shape: z.array(z.union([z.int(), z.string(), z.null()])).nullable(),
    }),
  ),
  /** The only batch size that the graph can run; null: any. */
  fixedBatch: z.int().positive().nullable(),
  /** What the graph computes in. */
  precision: precisionSchema,
  /** Names of open axes other than the batch: a bench must give each a size. */
  openDimensions: z.array(z.string()),
  /** Inputs with open axes that have no name: a bench must give the whole shape of each. */
  unnamedInputs: z.array(z.string()),
  /** What is taken for granted of its sizes, in words. */
  assumptions: z.array(z.string()),
});
export type BenchModel = z.infer<typeof benchModelSchema>;

const sizeSchema = z.union([z.int().min(0), z.literal('batch')]);

export const benchRequestSchema = z.strictObject({
  modelSha256: sha256Schema,
  /** What to call the model in reports, such as its file name. */
  modelName: z.string().min(1).max(200).default('model.onnx'),
  devices: z.array(deviceNameSchema).min(1),
  scenario: scenarioInputSchema.default({ kind: 'single-stream' }),
  /** As people write them: "minimize latency.p99", "latency.p99 <= 30 ms". */
  objectives: z.array(written(objectiveInputSchema, parseObjective)).default([]),
  constraints: z.array(written(constraintInputSchema, parseConstraint)).default([]),
  /** Absent: 1, 2, 4, 8, 16 and 32, or the one that the model is fixed to. */
  batchSizes: z.array(z.int().min(1).max(4096)).min(1).optional(),
  /** Absent: 1 to the number of cores of each device. */
  threads: z.array(z.int().min(1).max(256)).min(1).optional(),
  /** Absent: the precision that the model computes in. */
  precisions: z.array(precisionSchema).min(1).optional(),
  /** Sizes of named axes; "batch": this one is the batch. */
  dimensions: namedValues(sizeSchema).default({}),
  /** Whole shapes, by input. */
  shapes: namedValues(z.array(sizeSchema)).default({}),
  /** What inputs are fed, by name: one number for all elements. (Whole arrays: write them into the model, as `edgetune bench --input-data` does.) */
  inputValues: namedValues(z.number()).default({}),
  /** No further config is measured on a device after so long: the best so far is the answer. Absent: no limit. */
  maxSeconds: z.number().positive().optional(),
});
/** As a client writes it. */
export type BenchRequestBody = z.input<typeof benchRequestSchema>;
export type BenchRequest = z.infer<typeof benchRequestSchema>;

/** `reused-…`: from the history of the device, or of another one of its class. */
export const benchMeasurementSchema = storedMeasurementSchema.extend({
  from: z.enum(['measured', 'reused-device', 'reused-class']),
});
export type BenchMeasurement = z.infer<typeof benchMeasurementSchema>;

export const benchDeviceSchema = z.object({
  device: deviceNameSchema,
  /** Set where every number of this device is simulated: its profile and that profile's published error. */
  simulated: boardDescriptionSchema.shape.simulated,
  state: z.enum(['running', 'finished', 'failed', 'cancelled']),
  /** Why there is no recommendation, or why the recommended config breaks a constraint. */
  reason: z.string().nullable(),
  feasible: z.boolean(),
  best: storedMeasurementSchema.nullable(),
  /** In the order in which they came. */
  measurements: z.array(benchMeasurementSchema),
  measured: z.int().min(0),
  reused: z.int().min(0),
  /** Inference configs that the device could have been asked for; null until it is known. */
  possible: z.int().min(0).nullable(),
  /** How many of them the search measures, at most; null until it is known. */
  planned: z.int().min(0).nullable(),
});
export type BenchDevice = z.infer<typeof benchDeviceSchema>;

export const benchViewSchema = z.object({
  id: z.string(),
  state: z.enum(['running', 'finished', 'cancelled']),
  /** What it waits for by itself, such as space on the disk, with what to do about it. Absent: nothing. */
  waiting: z.string().optional(),
  modelName: z.string(),
  modelSha256: sha256Schema,
  modelBytes: z.int().positive(),
  signature: z.string(),
  /** What the model computes in. */
  precision: precisionSchema,
  scenario: scenarioSchema,
  objectives: z.array(objectiveSchema),
  constraints: z.array(constraintSchema),
  dimensions: z.record(z.string(), z.int().min(0)),
  /** What was taken for granted of the sizes; absent: it was not asked yet then. */
  assumptions: z.array(z.string()).optional(),
  /**
   * What configs of precision int8 run where the model computes in floats: a variant calibrated on random inputs, which
   * costs what a real one would and answers nothing of use; or why there is none. Null: nobody asked for it, or it is
   * not made yet.
   */
  int8: z
    .union([
      z.object({ modelSha256: sha256Schema, modelBytes: z.int().positive(), signature: z.string() }),
      z.object({ reason: z.string() }),
    ])
    .nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  devices: z.array(benchDeviceSchema),
});
export type BenchView = z.infer<typeof benchViewSchema>;

/** A bench in the list of benches. */
export const benchSummarySchema = benchViewSchema
  .pick({ id: true, state: true, waiting: true, modelName: true, scenario: true, startedAt: true, finishedAt: true })
  .extend({
    devices: z.array(benchDeviceSchema.pick({ device: true, simulated: true, state: true, feasible: true })),
    measurements: z.int().min(0),
  });
export type BenchSummary = z.infer<typeof benchSummarySchema>;
export const benchListSchema = z.object({ benches: z.array(benchSummarySchema) });
