/** Which runners this board has, and what each of them offers. */
import { createRequire } from 'node:module';
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import { executionProviderSchema } from '@edgetune/shared/domain/inference-config.ts';
import { z } from 'zod';
import { type Host, runText } from '../board/host.ts';
import { pythonInterpreter, sideCarScript } from './python/side-car.ts';
import { findTrtexec } from './trtexec/command.ts';
import { versionOf } from './trtexec/output.ts';

type Runtime = BoardDescription['runtimes'][number];

export async function installedRuntimes(host: Host): Promise<Runtime[]> {
  const others = await Promise.all([pythonRuntime(host), trtexecRuntime(host)]);
  return [nodeRuntime(), ...others].filter((runtime) => runtime !== null);
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

async function pythonRuntime(host: Host): Promise<Runtime | null> {
  const printed = await runText(host, pythonInterpreter(), ['-B', sideCarScript(), '--probe'], PROBE_TIMEOUT_MS);
  if (printed === null) return null;
  const { version, providers } = probeSchema.parse(JSON.parse(printed));
  return {
    runner: 'onnxruntime-python',
    version,
    executionProviders: providers,
    precisions: ['float32', 'float16', 'int8'],
  };
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
