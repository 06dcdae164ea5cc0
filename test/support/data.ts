/** Data for tests that lies beside the repository; tests that need it skip aloud where it is absent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../../shared/data');

/** Path of a file or folder of the shared data, or null where it is absent. */
export function sharedData(path: string): string | null {
  const full = join(root, path);
  return existsSync(full) ? full : null;
}
