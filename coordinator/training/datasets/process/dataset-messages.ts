/** What the coordinator and a process that reads a data set say to each other, parsed on both sides. */
import { datasetEvidenceSchema, datasetReportSchema } from '@edgetune/shared/domain/dataset-report.ts';
import { datasetSchema } from '@edgetune/shared/domain/study.ts';
import { z } from 'zod';
import { identitySchema } from '../source/identity.ts';

export const datasetRequestSchema = z.object({
  dataset: datasetSchema,
  /** The kind of data that is wanted; null: whatever it is. */
  takes: z.string().nullable(),
  limits: z.object({
    files: z.number(),
    fileBytes: z.number(),
    textBytes: z.number(),
    imagePixels: z.number(),
    sampleBytes: z.number(),
    memoryBytes: z.number(),
    seconds: z.number(),
  }),
  /** Folder into which the samples are written for training; null: they are only looked at, and some are shown. */
  into: z.string().nullable(),
});
export type DatasetRequest = z.infer<typeof datasetRequestSchema>;

export const preparedSchema = z.object({
  /** The samples, as `readPrepared` reads them; named by what was read and how. */
  file: z.string(),
  identity: identitySchema,
  dataset: datasetSchema,
  evidence: datasetEvidenceSchema,
});
export type Prepared = z.infer<typeof preparedSchema>;

export const datasetAnswerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('prepared'), prepared: preparedSchema }),
  z.object({ type: z.literal('report'), report: datasetReportSchema }),
  z.object({ type: z.literal('error'), name: z.string(), message: z.string() }),
]);
export type DatasetAnswer = z.infer<typeof datasetAnswerSchema>;
