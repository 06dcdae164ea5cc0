/** What the coordinator and its training children say to each other, parsed on both sides. */
import { budgetSchema } from '@edgetune/shared/domain/budget.ts';
import { confusionSchema } from '@edgetune/shared/domain/classification.ts';
import { candidateSchema } from '@edgetune/shared/domain/search-space.ts';
import { datasetSchema } from '@edgetune/shared/domain/study.ts';
import { metricsSchema } from '@edgetune/shared/domain/study-event.ts';
import { z } from 'zod';

/** Processes exchange bytes by structured clone (`serialization: 'advanced'`). */
const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');

/** `data`: the file of the samples. */
const dataSchema = z.object({
  workload: z.string(),
  dataset: datasetSchema,
  data: z.string(),
  dataSha256: z.string().optional(),
});
const taskSchema = dataSchema.extend({ candidate: candidateSchema, seed: z.number() });

export const childRequestSchema = z.discriminatedUnion('type', [
  taskSchema.extend({ type: z.literal('build') }),
  taskSchema.extend({
    type: z.literal('train'),
    budget: budgetSchema,
    judgedBy: z.object({ metric: z.string(), direction: z.enum(['minimize', 'maximize']) }),
    cores: z.int().min(1),
    checkpoint: bytesSchema.nullable(),
  }),
  taskSchema.extend({ type: z.literal('export'), checkpoint: bytesSchema }),
  dataSchema.extend({ type: z.literal('evaluate'), onnx: bytesSchema, split: z.enum(['validation', 'test']) }),
  dataSchema.extend({ type: z.literal('quantise'), onnx: bytesSchema }),
  z.object({
    type: z.literal('quantise-without-data'),
    onnx: bytesSchema,
    dimensions: z.record(z.string(), z.int().positive()),
  }),
  z.object({ type: z.literal('backend') }),
]);
export type ChildRequest = z.infer<typeof childRequestSchema>;

/** The answer to each type of request. */
export const childResultSchemas = {
  build: z.object({ onnx: bytesSchema, metadataBytes: z.int().min(0) }),
  train: z.object({
    metrics: metricsSchema,
    checkpoint: bytesSchema,
    epochs: z.number(),
    bestEpoch: z.number(),
    cpuSeconds: z.number(),
    backend: z.string(),
  }),
  export: z.object({ onnx: bytesSchema, modelCard: z.string() }),
  evaluate: z.object({
    samples: z.int(),
    metrics: z.object({ accuracy: z.number(), loss: z.number(), f1: z.number() }).catchall(z.number()),
    confusion: confusionSchema,
  }),
  quantise: z.object({ onnx: bytesSchema }),
  'quantise-without-data': z.object({ onnx: bytesSchema }),
  backend: z.object({ name: z.string() }),
} as const;
export type ChildResult<T extends ChildRequest['type']> = z.infer<(typeof childResultSchemas)[T]>;

export const childMessageSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('epoch'), epoch: z.number(), metrics: metricsSchema }),
  z.object({ type: z.literal('result'), result: z.unknown() }),
  z.object({ type: z.literal('error'), name: z.string(), message: z.string() }),
]);
export type ChildMessage = z.infer<typeof childMessageSchema>;
