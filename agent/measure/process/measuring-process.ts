/** One measuring process: started, watched, and ended whatever happens. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import type { Host } from '../../board/host.ts';
import type { MeasureOrder } from './child-messages.ts';
import { createMemoryGuard } from './memory-guard.ts';
import { pinTo } from './pinning.ts';
import { type Ending, ProcessWatch, type WatchOptions } from './process-watch.ts';

export interface ProcessOptions extends WatchOptions {
  host: Host;
}

/**
 * @throws {RejectedError} where the model can never run here
 * @throws the signal's reason when it is aborted
 */
export async function runMeasuringProcess(order: MeasureOrder, options: ProcessOptions): Promise<Ending> {
  options.signal.throwIfAborted();
  // An empty folder: a model that refers to files beside it finds none.
  const cwd = mkdtempSync(join(tmpdir(), 'edgetune-measure-'));
  const pinning = pinTo(options.host, order.config.threads);
  const guard = await createMemoryGuard(options.host, pinning?.cores ?? null);
  const child = startChild([...guard.launcher, ...(pinning?.launcher ?? [])], cwd);
  guard.watch(child);
  try {
    return await new ProcessWatch(child, guard, order, options).ending;
  } finally {
    // All of them, before what the process has started is an orphan that nobody finds.
    await guard.close();
    child.kill('SIGKILL');
    await Promise.all(options.observers.map((observer) => observer.close()));
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** @param launcher words before the command: each does its part and becomes the next */
function startChild(launcher: readonly string[], cwd: string): ChildProcess {
  const url = childModuleUrl(import.meta.url, './measure-child.ts', './measure-child.js');
  const [execPath, ...execArgv] = [...launcher, process.execPath, '--expose-gc', ...execArgvFor(url)] as [string];
  return fork(url, { cwd, execPath, execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
}
