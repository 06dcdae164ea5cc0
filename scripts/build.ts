/**
 * Builds the publishable packages: `agent/dist` and `coordinator/dist`, each a few JavaScript files with `shared` bundled
 * in and npm dependencies left out; the dashboard; and the packed agent and install script that the coordinator serves.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDashboard } from '../coordinator/dashboard/build.ts';
import { bundleAgent, pack, stageAgent } from './build/agent-package.ts';
import { bundle, ROOT, readPackage } from './build/bundle.ts';

/** A board downloads it over its own network, often a slow one. */
const MAX_AGENT_BYTES = 1e6;

const agentDist = join(ROOT, 'agent/dist');
const coordinatorDist = join(ROOT, 'coordinator/dist');

async function buildCoordinator(): Promise<void> {
  rmSync(join(coordinatorDist, 'chunks'), { recursive: true, force: true });
  const { dependencies } = readPackage('coordinator');
  // What only shared uses is bundled in; the optional native TensorFlow is looked for at run time.
  const external = [...Object.keys(dependencies), '@tensorflow/tfjs-node'].flatMap((name) => [name, `${name}/*`]);
  await bundle(
    'coordinator',
    coordinatorDist,
    {
      main: 'cli/main.ts',
      'training-child': 'training/training-child.ts',
      'dataset-child': 'training/datasets/process/dataset-child.ts',
      'gradient-worker': 'training/gradient-worker.ts',
      'tuner-worker': 'ask-tell/tuner-worker.ts',
      'inspect-worker': 'inference/inspector/inspect-worker.ts',
    },
    external,
  );
  await buildDashboard(join(coordinatorDist, 'dashboard'));
  copyFileSync(join(ROOT, 'LICENSE'), join(ROOT, 'coordinator/LICENSE'));
}

/** The packed agent and the script that installs it, into `coordinator/dist`. @returns the packed size in bytes */
function serveAgent(): number {
  const staging = mkdtempSync(join(tmpdir(), 'edgetune-agent-'));
  try {
    stageAgent(agentDist, staging);
    copyFileSync(join(ROOT, 'agent/install/install.sh'), join(coordinatorDist, 'install.sh'));
    return pack(staging, join(coordinatorDist, 'agent.tgz'));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await bundleAgent(agentDist);
copyFileSync(join(ROOT, 'LICENSE'), join(ROOT, 'agent/LICENSE'));
await buildCoordinator();
const size = serveAgent();
if (size > MAX_AGENT_BYTES)
  throw new Error(`the packed agent has ${size} bytes, more than ${MAX_AGENT_BYTES}: what has it come to bundle?`);
console.log(`built agent/dist and coordinator/dist; the packed agent has ${(size / 1000).toFixed(0)} kB`);
