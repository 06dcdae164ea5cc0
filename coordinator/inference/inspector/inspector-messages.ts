/** What the coordinator and the thread in which models are read say to each other. */
import { precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { z } from 'zod';

const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const sizesSchema = z.record(z.string(), z.int().min(0));
const givenSizeSchema = z.union([z.int().min(0), z.literal('batch')]);

const requestSchema = z.object({
  model: bytesSchema,
  /** Files that were sent with it. */
  data: z.array(z.object({ name: z.string(), bytes: bytesSchema })),
  /** What is said of its inputs, as `fixInputs` takes it. */
  given: z.object({
    dimensions: z.record(z.string(), givenSizeSchema),
    shapes: z.record(z.string(), z.array(givenSizeSchema)),
    values: z.record(z.string(), z.object({ shape: z.array(z.int().min(0)).nullable(), values: z.array(z.number()) })),
  }),
});
export type InspectionRequest = z.infer<typeof requestSchema>;

const inspectionSchema = z.object({
  /** As one file, with what was said written into it; null: it is what was sent. */
  model: bytesSchema.nullable(),
  inputs: z.array(
    z.object({
      name: z.string(),
      dtype: z.string(),
      shape: z.array(z.union([z.int(), z.string(), z.null()])).nullable(),
    }),
  ),
  /** Sizes of named axes that were given. */
  dimensions: sizesSchema,
  precision: precisionSchema,
  /** The first node that makes or reads quantised values; null: it is not quantised. */
  quantised: z.object({ name: z.string(), opType: z.string() }).nullable(),
  signature: z.string(),
  fixedBatch: z.int().nullable(),
  openDimensions: z.array(z.string()),
  unnamedInputs: z.array(z.string()),
  assumptions: z.array(z.string()),
});
export type ModelInspection = z.infer<typeof inspectionSchema>;

/** A call by its number. */
export const inspectorCallSchema = z.discriminatedUnion('name', [
  z.object({ call: z.int(), name: z.literal('inspect'), request: requestSchema }),
  z.object({ call: z.int(), name: z.literal('architecture'), model: bytesSchema, dimensions: sizesSchema }),
]);
export type InspectorCall = z.infer<typeof inspectorCallSchema>;

export const inspectorReplySchema = z.object({
  call: z.int(),
  answer: z.union([
    z.object({ inspection: inspectionSchema }),
    z.object({ architecture: z.array(z.number()).nullable() }),
    /** What is wrong with the model. */
    z.object({ code: z.string(), where: z.string(), message: z.string() }),
  ]),
});
export type InspectorReply = z.infer<typeof inspectorReplySchema>;
