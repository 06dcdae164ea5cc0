/** A Python with onnxruntime of the same version as ours: an environment in the temporary folder, made when it is first asked for. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepOnnxRuntimeSilent } from '../../shared/runtime/no-telemetry.ts';

const INSTALL_TIMEOUT_MS = 300_000;

/** Version of onnxruntime-node here. */
export function onnxruntimeVersion(): string {
  const require = createRequire(import.meta.url);
  return (require(require.resolve('onnxruntime-node').replace(/dist\/.*$/, 'package.json')) as { version: string })
    .version;
}

/**
 * Path of the interpreter, or why there is none. EDGETUNE_AGENT_PYTHON names another one that has onnxruntime and numpy.
 * @param more packages that it needs, by the names under which they are imported
 */
export function pythonWithOnnxruntime(more: readonly string[] = []): { python: string } | { reason: string } {
  keepOnnxRuntimeSilent();
  const run = (program: string, ...args: string[]) =>
    spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  const packages = ['onnxruntime', 'numpy', ...more];
  const works = (python: string) => run(python, '-c', `import ${packages.join(', ')}`).status === 0;
  const given = process.env.EDGETUNE_AGENT_PYTHON;
  if (given) return works(given) ? { python: given } : { reason: `${given} cannot import ${packages.join(', ')}` };
  const version = onnxruntimeVersion();
  const folder = join(tmpdir(), `edgetune-onnxruntime-${version}`);
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    const made = run('python3', '-m', 'venv', folder);
    if (made.status !== 0) return { reason: `python3 -m venv failed: ${made.stderr || made.error?.message}` };
  }
  if (works(python)) return { python };
  console.error(`installing onnxruntime ${version} for Python into ${folder} …`);
  const installed = run(python, '-m', 'pip', 'install', '--quiet', `onnxruntime==${version}`, ...packages.slice(1));
  return installed.status === 0 && works(python)
    ? { python }
    : { reason: `pip could not install onnxruntime: ${installed.stderr?.trim().split('\n').at(-1)}` };
}
