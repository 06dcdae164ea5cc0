/** The agent as a package of its own: everything is bundled in but ONNX Runtime, whose binaries are the platform's. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundle, ROOT, readPackage } from './bundle.ts';

const EXTERNALS = ['onnxruntime-node'];

/** Bundles the agent into a `dist` folder. */
export async function bundleAgent(dist: string): Promise<void> {
  rmSync(dist, { recursive: true, force: true });
  await bundle('agent', dist, { main: 'cli/main.ts', 'measure-child': 'measure/process/measure-child.ts' }, EXTERNALS);
  const script = 'python/side_car.py';
  mkdirSync(dirname(join(dist, script)), { recursive: true });
  copyFileSync(join(ROOT, 'agent/runners', script), join(dist, script));
}

/** Lays out the package: this `dist`, and a package.json that names only what is not bundled in. */
export function stageAgent(dist: string, folder: string): void {
  const { devDependencies: _, dependencies, ...manifest } = readPackage('agent');
  const kept = Object.fromEntries(Object.entries(dependencies).filter(([name]) => EXTERNALS.includes(name)));
  cpSync(dist, join(folder, 'dist'), { recursive: true });
  for (const part of ['bin', 'install', 'README.md']) {
    cpSync(join(ROOT, 'agent', part), join(folder, part), { recursive: true });
  }
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies: kept }, null, 2));
}

/** Packs a package's folder as npm does. @returns the size in bytes */
export function pack(folder: string, tarball: string): number {
  const staging = mkdtempSync(join(tmpdir(), 'edgetune-pack-'));
  try {
    const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', staging], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
    const [{ filename, size }] = JSON.parse(packed.stdout) as [{ filename: string; size: number }];
    mkdirSync(dirname(tarball), { recursive: true });
    copyFileSync(join(staging, filename), `${tarball}.new`);
    renameSync(`${tarball}.new`, tarball);
    return size;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
