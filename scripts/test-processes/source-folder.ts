/** A folder of sources and the tests that are its own: those in the same place under `test`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';

/** All paths are from the root, with slashes, and sorted. */
export interface SourceFolder {
  folder: string;
  /** Text by path. */
  sources: ReadonlyMap<string, string>;
  testFiles: readonly string[];
}

/** Files below a folder whose path ends so; none where there is no such folder. */
export function filesBelow(root: string, folder: string, ending: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => ending.test(file) && !/\/(node_modules|dist)\//.test(file) && !file.endsWith('.d.ts'))
    .sort();
}

/** @throws Error where there is no source in that folder */
export function readSourceFolder(root: string, given: string): SourceFolder {
  const folder = normalize(given).replaceAll('\\', '/').replace(/\/$/, '');
  const files = filesBelow(root, folder, /\.ts$/);
  if (files.length === 0) throw new Error(`${folder} holds no TypeScript: name a folder such as coordinator/tuner`);
  return {
    folder,
    sources: new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')])),
    testFiles: filesBelow(root, `test/${folder}`, /\.test\.ts$/),
  };
}
