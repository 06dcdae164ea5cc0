/** Which runners this board has, and what each of them offers. */
import { createRequire } from 'node:module';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { executionProviderSchema } from '@edgetune/shared/domain/inference-config.ts';
import { z } from 'zod';
import { type Host, runText } from '../board/host.ts';
import type { Missing } from '../board/probe-board.ts';
import { pythonInterpreter, sideCarScript } from './python/side-car.ts';
import { findTrtexec } from './trtexec/command.ts';
import { versionOf } from './trtexec/output.ts';

type Runtime = BoardDescription['runtimes'][number];

/** With what is missing for a runtime that is there and of no use. */
export async function installedRuntimes(host: Host): Promise<{ runtimes: Runtime[]; missing: Missing[] }> {
  const [python, trtexec] = await Promise.all([pythonRuntime(host), trtexecRuntime(host)]);
  const runtimes: Runtime[] = [nodeRuntime()];
  const missing: Missing[] = [];
  if (python && 'why' in python) missing.push(python);
  else if (python) runtimes.push(python);
  if (trtexec) runtimes.push(trtexec);
  return { runtimes, missing };
}

function nodeRuntime(): Runtime {
  // The package does not export its package.json; its entry point lies in its dist folder.
  const require = createRequire(import.meta.url);
  const path = require.resolve('onnxruntime-node').replace(/dist\/.*$/, 'package.json');
  return {
    runner: 'onnxruntime-node',
    version: (require(path) as { version: string }).version,
    executionProviders: ['cpu'],
    precisions: ['float32', 'float16', 'int8'],
  };
}

const probeSchema = z.object({ version: z.string(), providers: z.array(executionProviderSchema) });

/** Importing onnxruntime with its CUDA libraries takes a slow board some seconds. */
const PROBE_TIMEOUT_MS = 60_000;

async function pythonRuntime(host: Host): Promise<Runtime | Missing | null> {
  const printed = await runText(host, pythonInterpreter(), ['-B', sideCarScript(), '--probe'], PROBE_TIMEOUT_MS);
  if (printed === null) return null;
  const answer = probed(printed);
  if (!answer)
    return {
      what: 'measuring with onnxruntime-python',
      why: `${pythonInterpreter()} prints something of its own: ${JSON.stringify(printed.slice(0, 80))}`,
      how: 'make it print nothing when it starts (look for print in its sitecustomize.py and .pth files), or name another Python by EDGETUNE_AGENT_PYTHON',
    };
  const { version, providers } = answer;
  return {
    runner: 'onnxruntime-python',
    version,
    executionProviders: providers,
    precisions: ['float32', 'float16', 'int8'],
  };
}

/** null: it is no answer of the side-car's. */
function probed(printed: string): z.infer<typeof probeSchema> | null {
  try {
    return probeSchema.parse(JSON.parse(printed));
  } catch {
    return null;
  }
}

async function trtexecRuntime(host: Host): Promise<Runtime | null> {
  const program = findTrtexec();
  const version = program && versionOf((await runText(host, program, ['--help'], PROBE_TIMEOUT_MS)) ?? '');
  return version
    ? {
        runner: 'trtexec',
        version,
        executionProviders: ['tensorrt'],
        precisions: ['float32', 'float16', 'int8'],
      }
    : null;
}
