/**
 * Builds the publishable packages: `agent/dist` and `coordinator/dist`, each a few JavaScript files with `shared` bundled
 * in and npm dependencies left out; the dashboard; and the packed agent that the coordinator serves to boards.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildDashboard } from '../coordinator/dashboard/build.ts';

const ROOT = join(import.meta.dirname, '..');

interface PackageJson {
  name: string;
  version: string;
  dependencies: Record<string, string>;
  [field: string]: unknown;
}

function readPackage(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as PackageJson;
}

/** Every module that is started by itself: the command line, child processes, threads. */
async function bundle(folder: string, entries: Record<string, string>, external: string[]): Promise<void> {
  const outdir = join(ROOT, folder, 'dist');
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(entries).map(([name, source]) => [name, join(ROOT, folder, source)]),
    ),
    outdir,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external,
    // CommonJS packages that are bundled in call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

/** What the packed agent depends on: everything but ONNX Runtime is bundled in. */
const AGENT_EXTERNALS = ['onnxruntime-node'];

async function buildAgent(): Promise<void> {
  rmSync(join(ROOT, 'agent', 'dist'), { recursive: true, force: true });
  await bundle('agent', { main: 'cli/main.ts', 'measure-child': 'measure/measure-child.ts' }, AGENT_EXTERNALS);
  copyFileSync(join(ROOT, 'LICENSE'), join(ROOT, 'agent', 'LICENSE'));
}

async function buildCoordinator(): Promise<void> {
  rmSync(join(ROOT, 'coordinator', 'dist', 'chunks'), { recursive: true, force: true });
  const { dependencies } = readPackage('coordinator');
  // What only shared uses is bundled in; the optional native TensorFlow is looked for at run time.
  const external = [...Object.keys(dependencies), '@tensorflow/tfjs-node'].flatMap((name) => [name, `${name}/*`]);
  await bundle(
    'coordinator',
    {
      main: 'cli/main.ts',
      'training-child': 'training/training-child.ts',
      'gradient-worker': 'training/gradient-worker.ts',
    },
    external,
  );
  await buildDashboard(join(ROOT, 'coordinator', 'dist', 'dashboard'));
  copyFileSync(join(ROOT, 'LICENSE'), join(ROOT, 'coordinator', 'LICENSE'));
}

/** Packs the built agent with a package.json that names only what is not bundled, into `coordinator/dist/agent.tgz`. */
function packAgent(): number {
  const staging = mkdtempSync(join(tmpdir(), 'edgetune-pack-'));
  try {
    const { devDependencies: _, dependencies, ...manifest } = readPackage('agent');
    const kept = Object.fromEntries(Object.entries(dependencies).filter(([name]) => AGENT_EXTERNALS.includes(name)));
    writeFileSync(join(staging, 'package.json'), JSON.stringify({ ...manifest, dependencies: kept }, null, 2));
    spawnSync('cp', ['-r', 'bin', 'dist', 'LICENSE', 'README.md', staging], { cwd: join(ROOT, 'agent') });
    const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', staging], {
      cwd: staging,
      encoding: 'utf8',
    });
    if (packed.status !== 0) throw new Error(`npm pack failed: ${packed.stderr}`);
    const [{ filename, size }] = JSON.parse(packed.stdout) as [{ filename: string; size: number }];
    mkdirSync(join(ROOT, 'coordinator', 'dist'), { recursive: true });
    const target = join(ROOT, 'coordinator', 'dist', 'agent.tgz');
    copyFileSync(join(staging, filename), `${target}.new`);
    renameSync(`${target}.new`, target);
    return size;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await buildAgent();
await buildCoordinator();
const size = packAgent();
console.log(`built agent/dist and coordinator/dist; the packed agent has ${(size / 1000).toFixed(0)} kB`);
