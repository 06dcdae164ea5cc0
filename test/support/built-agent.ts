/** The agent as `npm run build` packs it, for tests of installing and updating, in a folder that a coordinator can serve. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAgent, pack, stageAgent } from '../../scripts/build/agent-package.ts';

const root = join(import.meta.dirname, '../..');

export interface BuiltAgent {
  /** What a coordinator takes as its `distDirectory`. */
  distDirectory: string;
  /** Packs the agent as this version; `change` edits the files of the package before. */
  serve(version: string, change?: (packageFolder: string) => void): void;
  remove(): void;
}

export async function buildAgent(): Promise<BuiltAgent> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-built-'));
  const bundled = join(folder, 'bundled');
  const distDirectory = join(folder, 'dist');
  await bundleAgent(bundled);
  mkdirSync(distDirectory);
  copyFileSync(join(root, 'agent/install/install.sh'), join(distDirectory, 'install.sh'));
  return {
    distDirectory,
    serve(version, change = () => {}) {
      const staging = mkdtempSync(join(folder, 'staging-'));
      stageAgent(bundled, staging);
      const manifest = JSON.parse(readFileSync(join(staging, 'package.json'), 'utf8')) as object;
      writeFileSync(join(staging, 'package.json'), JSON.stringify({ ...manifest, version }));
      change(staging);
      pack(staging, join(distDirectory, 'agent.tgz'));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
