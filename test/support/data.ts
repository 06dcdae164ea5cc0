/** Data for tests that lies beside the repository; tests that need it skip aloud where it is absent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const shared = join(import.meta.dirname, '../../../shared');

/** Path of a file or folder of the shared data, or null where it is absent. */
export function sharedData(path: string): string | null {
  return existing(join(shared, 'data', path));
}

/** Path of a file or folder of the shared cases, each of which failed once, or null where it is absent. */
export function sharedCase(path: string): string | null {
  return existing(join(shared, 'cases', path));
}

function existing(full: string): string | null {
  return existsSync(full) ? full : null;
}
