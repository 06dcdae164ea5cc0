/** Refusals of data sets, for assertions. */
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { type ReadDataset, readDataset } from '../../../../coordinator/training/datasets/read-dataset.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { noticesOf } from './prepared.ts';

export const refused = (message: RegExp) => (error: unknown) => {
  if (error instanceof DatasetError && message.test(error.message)) return true;
  throw error;
};

type Cleaning = Parameters<typeof temporaryFolder>[0];
type Files = Parameters<typeof temporaryFolder>[1];

/** Reads a folder with these files; the format is found out where none is named. */
export const readFolder = (t: Cleaning, files: Files, settings: object = {}): Promise<ReadDataset> =>
  readDataset({ format: 'auto', path: temporaryFolder(t, files), ...settings } as DatasetSpec);

/** Reads one file. */
export const readFile = (
  t: Cleaning,
  name: string,
  content: string | Uint8Array,
  settings: object = {},
): Promise<ReadDataset> =>
  readDataset({
    format: 'auto',
    path: `${temporaryFolder(t, { [name]: content })}/${name}`,
    ...settings,
  } as DatasetSpec);

/** All that was said, in one text. */
export const saidOf = (read: ReadDataset) => noticesOf(read).join('\n');

/** Classes with their samples over all splits: {cat: 40, dog: 40}. */
export function countsOf({ finished: { data, byClass } }: ReadDataset): Record<string, number> {
  return Object.fromEntries(
    data.classes.map((name, index) => [
      name,
      Object.values(byClass).reduce((sum, split) => sum + (split[index] as number), 0),
    ]),
  );
}
