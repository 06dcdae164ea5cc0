/** A folder of sources and the tests that are its own: those in the same place under `test`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type Mutant, mutantsOf } from './mutants.ts';

export interface SourceFolder {
  /** From the root, with slashes. */
  folder: string;
  /** Text by path from the root. */
  sources: ReadonlyMap<string, string>;
  mutants: readonly Mutant[];
  /** From the root. */
  testFiles: readonly string[];
}

function filesBelow(root: string, folder: string, ending: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => ending.test(file) && !/\/(node_modules|dist)\//.test(file) && !file.endsWith('.d.ts'))
    .sort();
}

/** @throws Error where there is no source in that folder */
export function readFolder(root: string, given: string): SourceFolder {
  const folder = normalize(given).replaceAll('\\', '/').replace(/\/$/, '');
  const files = filesBelow(root, folder, /\.ts$/);
  if (files.length === 0) throw new Error(`${folder} holds no TypeScript: name a folder such as coordinator/tuner`);
  const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  return {
    folder,
    sources,
    mutants: [...sources].flatMap(([file, text]) => mutantsOf(text, file)),
    testFiles: filesBelow(root, `test/${folder}`, /\.test\.ts$/),
  };
}
