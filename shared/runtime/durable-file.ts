/** Files that survive a power cut: written beside their place, flushed, then renamed over it, and the folder flushed. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** @param mode permissions of the file; credentials are for their owner only */
export function writeDurably(path: string, content: string | Uint8Array, mode = 0o644): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    withFile(temporary, 'w', mode, (file) => {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
      fsyncSync(file);
    });
    renameSync(temporary, path);
  } catch (error) {
    // A disk that is full is not filled further.
    rmSync(temporary, { force: true });
    throw error;
  }
  // The new name is on the disk when the folder is.
  withFile(folder, 'r', mode, fsyncSync);
}

function withFile(path: string, flags: string, mode: number, work: (file: number) => void): void {
  const file = openSync(path, flags, mode);
  try {
    work(file);
  } finally {
    closeSync(file);
  }
}
