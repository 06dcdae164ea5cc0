/** Samples as one file between the process that reads a data set and those that train on it. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { NotWrittenError } from '../../../lifecycle/not-written-error.ts';
import type { DataKind, DataKinds } from '../data-kinds.ts';
import type { ReadDataset } from '../read-dataset.ts';

export type PreparedData = { [Kind in DataKind]: { holds: Kind; data: DataKinds[Kind] } }[DataKind];

/**
 * Named by the content of the files and by how they were read, so that whoever has a file of this name need not look further.
 * @returns its path
 * @throws {NotWrittenError} where there is no space
 */
export function writePrepared(folder: string, { holds, finished, identity, dataset }: ReadDataset): string {
  const key = createHash('sha256')
    .update(`${identity.sha256}\n${JSON.stringify(dataset)}`)
    .digest('hex');
  const file = join(folder, `${key}.samples`);
  if (existsSync(file)) return file;
  const part = `${file}.${process.pid}`;
  try {
    writeFileSync(part, serialize({ holds, data: finished.data }));
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new NotWrittenError(
        'disk-full',
        `the disk is full: ${folder}, where samples are kept for training, could not be written (${message})`,
      );
    throw error;
  }
  return file;
}

/** Trusted: written by a process of ours, for this one. */
export function readPrepared(file: string): PreparedData {
  return deserialize(readFileSync(file)) as PreparedData;
}
