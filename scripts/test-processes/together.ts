/**
 * Test files of one folder share a process: most of them are short, and to start Node.js and load what they import takes
 * longer than they do. It also tells of tests that lean on the state of a process, which none may.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Those are long, and start processes of their own: each by itself, so that two can run side by side. */
const ALONE = /^test\/whole-path\//;

/**
 * Writes a file for each folder that imports its test files.
 * @param root the folder that the paths are relative to
 * @param files paths of test files
 * @param directory where to write
 * @returns the paths that Node's test runner is to be given, each for a process
 */
export function together(root: string, files: readonly string[], directory: string): string[] {
  const folders = new Map<string, string[]>();
  for (const file of files) {
    const folder = ALONE.test(file) ? file : dirname(file);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders].map(([folder, its]) => {
    if (its.length === 1) return its[0] as string;
    // An ES module whatever package it lies in. Folder names have "-" in them: a/b-c is not a-b/c.
    const entry = join(directory, `${folder.replaceAll('/', '+')}.test.mjs`);
    const imports = its.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)};\n`);
    writeFileSync(entry, imports.join(''));
    return entry;
  });
}
