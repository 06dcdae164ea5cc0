/** A format of data sets: what a study says of one, how it is recognised, and how it is read. */
import type { DatasetFormatInfo } from '@edgetune/shared/domain/study-parts.ts';
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import type { DataKind, RawData } from './data-kinds.ts';
import type { Notices } from './notices.ts';
import type { DataSource } from './source/data-source.ts';
import type { Limits } from './source/limits.ts';

/** What a reader is given. */
export interface Reading<Settings> {
  /** The section `dataset:` of a study, with defaults. */
  settings: Settings;
  /** What its `path` names. @throws {DatasetError} of a format that has none */
  readonly source: DataSource;
  notices: Notices;
  limits: Limits;
}

interface FormatOf<Kind extends DataKind> extends DatasetFormatInfo {
  readonly holds: Kind;
  /**
   * Whether these are data in the format, by the names of the files and the first bytes of some. Absent: it has no files.
   * Where several formats do, the study must say which it is.
   */
  recognises?(source: DataSource): boolean | Promise<boolean>;
  /**
   * @param reading its settings checked or not
   * @throws {import('../training-service.ts').DatasetError} naming the file that is missing or damaged
   */
  read(reading: Reading<unknown>): Promise<RawData<Kind>>;
}
export type DatasetFormat = { [Kind in DataKind]: FormatOf<Kind> }[DataKind];

/** A format from its settings' schema and a reader of what that schema makes of them. */
export function datasetFormat<Kind extends DataKind, Settings extends z.ZodObject>(
  format: Omit<FormatOf<Kind>, 'settings' | 'read'> & {
    settings: Settings;
    read(reading: Reading<z.output<Settings>>): RawData<Kind> | Promise<RawData<Kind>>;
  },
): FormatOf<Kind> {
  return {
    ...format,
    read: async (reading) => {
      const settings = format.settings.parse(reading.settings);
      // A source that is not there is told where it is asked for.
      const { notices, limits } = reading;
      return format.read({
        ...{ settings, notices, limits },
        get source() {
          return reading.source;
        },
      });
    },
  };
}

export const NO_SOURCE = new DatasetError('this format has no files');

/** Settings that every format with files has. */
export const pathSetting = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .meta({ description, examples: [example] });

export const splitSettings = {
  seed: z
    .int()
    .optional()
    .describe('of the random order in which splits are cut that the data do not have; otherwise 1'),
};

export const imageSettings = {
  imageSize: z
    .int()
    .min(4)
    .max(512)
    .optional()
    .describe(
      'pixels of a side, to which every image is resized; otherwise their own, where all have one size of at most 128, or 64',
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('1: grey, 3: colour; otherwise as the images are'),
};
