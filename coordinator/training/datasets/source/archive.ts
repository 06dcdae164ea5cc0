/** A ZIP archive in memory: its files by path. */
import { unzipSync } from 'fflate';
import { DatasetError } from '../../training-service.ts';
import { isLitter } from './files.ts';
import { type Limits, sizeText } from './limits.ts';

/** Whether these are the first bytes of a ZIP archive (APPNOTE.TXT 4.3.7 and, of an empty one, 4.3.16). */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/**
 * @param path for the refusal
 * @throws {DatasetError} where it is damaged, encrypted, or would unpack to more than the limits
 */
export function unpacked(
  path: string,
  bytes: Uint8Array,
  limits: Pick<Limits, 'files' | 'fileBytes'>,
): Map<string, Uint8Array> {
  let [files, total] = [0, 0];
  try {
    const entries = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        if (name.endsWith('/') || isLitter(name)) return false;
        files++;
        total += originalSize;
        if (files > limits.files)
          throw new DatasetError(`${path} holds more than ${limits.files.toLocaleString('en')} files`);
        if (total > limits.fileBytes)
          throw new DatasetError(
            `${path} has ${sizeText(bytes.length)} and would unpack to more than ${sizeText(limits.fileBytes)}: unpack it first, where that is what it should be`,
          );
        return true;
      },
    });
    return new Map(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch (error) {
    if (error instanceof DatasetError) throw error;
    throw new DatasetError(`${path} is damaged or no ZIP archive: it cannot be unpacked (${(error as Error).message})`);
  }
}
