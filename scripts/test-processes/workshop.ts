/** Throw-away folders for test processes that run side by side, so that none finds what another has left. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeReplacements } from './write-replacements.ts';

/** A place at which one test process at a time is run. */
export interface Bench {
  /**
   * Clears the place.
   * @param texts sources to be replaced, by absolute path
   * @returns environment of the process to run here
   */
  prepare(texts: ReadonlyMap<string, string>): Record<string, string>;
  /** Path of a file that the next `prepare` removes. */
  path(name: string): string;
}

export interface Workshop {
  benches: Bench[];
  close(): void;
}

export function openWorkshop(benches: number): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-tests-'));
  return {
    benches: Array.from({ length: benches }, (_, index) => createBench(join(folder, String(index)))),
    close: () => remove(folder),
  };
}

function createBench(folder: string): Bench {
  const [texts, temporary] = [join(folder, 'texts'), join(folder, 'tmp')];
  for (const place of [texts, temporary]) mkdirSync(place, { recursive: true });
  return {
    path: (name) => join(texts, name),
    prepare: (replaced) => {
      empty(texts, () => false);
      // What tsx has compiled is named by a hash of the source, and true for the next process too.
      empty(temporary, (name) => name.startsWith('tsx-'));
      return { ...writeReplacements(texts, replaced), TMPDIR: temporary };
    },
  };
}

function empty(folder: string, isKept: (name: string) => boolean): void {
  for (const name of readdirSync(folder)) if (!isKept(name)) remove(join(folder, name));
}

/** A test that was ended may have left a file system mounted there: that stays behind. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
  }
}
