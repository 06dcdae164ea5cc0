/** Builds the dashboard where its sources have changed since the last build. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import config from './vite.config.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** What the page is made of: its own sources, the contracts, and the versions of its packages. */
const SOURCES = [import.meta.dirname, join(ROOT, 'shared', 'domain'), join(ROOT, 'shared', 'protocol')];
const HASH_FILE = '.sources-sha256';

/**
 * Writes `index.html` and `assets/` to `outDir`; does nothing where `outDir` was built from the same sources.
 * @throws {Error} of Vite, with file and line, where a source is wrong.
 */
export async function buildDashboard(outDir: string): Promise<void> {
  const hash = hashOfSources();
  const hashPath = join(outDir, HASH_FILE);
  if (existsSync(hashPath) && readFileSync(hashPath, 'utf8') === hash) return;
  const { build } = await import('vite');
  await build({ ...config, configFile: false, logLevel: 'warn', build: { ...config.build, outDir } });
  writeFileSync(hashPath, hash);
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  for (const path of [...SOURCES.flatMap(filesIn), join(ROOT, 'package-lock.json')]) {
    if (existsSync(path)) hash.update(`${relative(ROOT, path)}\n`).update(readFileSync(path));
  }
  return hash.digest('hex');
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
