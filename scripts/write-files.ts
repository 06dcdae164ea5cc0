/** Writes files below a folder and returns their paths. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function writeFiles(files: readonly { path: string; bytes: Uint8Array }[], folder: string): string[] {
  return files.map(({ path, bytes }) => {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    return target;
  });
}
