/** What is known of a data set when it has been read: what it is, what was found in it, what was assumed. */
import { z } from 'zod';
import { sha256Schema } from './measurement.ts';

/** `warning`: what may well be wrong; `note`: what was assumed, or done to the data. */
export const datasetNoticeSchema = z.object({ level: z.enum(['warning', 'note']), message: z.string() });
export type DatasetNotice = z.infer<typeof datasetNoticeSchema>;

const perSplit = <Value extends z.ZodType>(value: Value) => z.object({ train: value, validation: value, test: value });

/** What a study keeps of its data as evidence. */
export const datasetEvidenceSchema = z.object({
  format: z.string(),
  /** Whether the format was found out, because the study named none. */
  isFormatFound: z.boolean(),
  /** Over the paths and contents of its files; of what EdgeTune draws itself, over the settings. */
  sha256: sha256Schema,
  files: z.int().min(0),
  bytes: z.number().min(0),
  classes: z.array(z.string()),
  /** Of each split, samples by class. */
  samplesByClass: perSplit(z.array(z.int().min(0))),
  /** Splits that the data do not have, cut from the training samples. */
  cut: z.array(z.enum(['validation', 'test'])),
  /** A sample, in words: "64×64 pixels, colour". */
  shape: z.string(),
  /** Of the values of the training samples, in words; null: there is nothing to say. */
  range: z.string().nullable(),
  duplicates: z.object({
    /** Samples of one split that are in another, too. */
    validationInTrain: z.int().min(0),
    testInTrain: z.int().min(0),
    testInValidation: z.int().min(0),
    /** Further copies of a sample within its split. */
    within: z.int().min(0),
    /** Samples that are there under several classes. */
    contradictory: z.int().min(0),
  }),
  notices: z.array(datasetNoticeSchema),
});
export type DatasetEvidence = z.infer<typeof datasetEvidenceSchema>;

/** A sample to look at. */
export const datasetSampleSchema = z.object({
  split: z.enum(['train', 'validation', 'test']),
  label: z.string(),
  /** Where it comes from: "cat/3.png", "row 7". */
  origin: z.string(),
  /** A PNG in base64, or the beginning of a text. */
  png: z.string().optional(),
  text: z.string().optional(),
});
export type DatasetSample = z.infer<typeof datasetSampleSchema>;

/** What `edgetune dataset check`, POST /api/datasets/check and the New study page show. */
export const datasetReportSchema = datasetEvidenceSchema.extend({
  /** The section `dataset:` of a study with this data, its format filled in. */
  dataset: z.looseObject({ format: z.string() }),
  holds: z.string(),
  samples: z.array(datasetSampleSchema),
});
export type DatasetReport = z.infer<typeof datasetReportSchema>;

/** "sha256 0123456789ab…": enough to tell two apart. */
export const shortHash = (sha256: string) => `${sha256.slice(0, 12)}…`;

/** In a line: "image-folder (found), 80 samples of 2 classes in 80 files, sha256 0123456789ab…". */
export function datasetText({
  format,
  isFormatFound,
  samplesByClass,
  classes,
  files,
  sha256,
}: DatasetEvidence): string {
  const count = (split: readonly number[]) => split.reduce((sum, each) => sum + each, 0);
  const { train, validation, test } = samplesByClass;
  const where = files === 0 ? '' : ` in ${files.toLocaleString('en')} ${files === 1 ? 'file' : 'files'}`;
  const [a, b, c] = [train, validation, test].map((split) => count(split).toLocaleString('en'));
  return `dataset format ${format}${isFormatFound ? ' (found)' : ''}; ${a} training, ${b} validation, ${c} test samples of ${classes.length} classes${where}; sha256 ${shortHash(sha256)}`;
}
