/** Reads a file of a data set; a refusal says which file, what was wrong and what was expected. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DatasetError } from '../training-service.ts';

/** @throws {DatasetError} */
export function readDatasetFile(path: string, expected: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new DatasetError(`${path} does not exist: expected ${expected}`);
    if (code === 'EISDIR') throw new DatasetError(`${path} is a folder: expected ${expected}`);
    throw new DatasetError(`${path} cannot be read (${message}): expected ${expected}`);
  }
}

/** @throws {DatasetError} */
export function gunzipDatasetFile(path: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new DatasetError(`${path} is damaged: it cannot be unpacked (${(error as Error).message})`);
  }
}
