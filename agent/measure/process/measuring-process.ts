/** One measuring process: started, watched, and ended whatever happens. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '@edgetune/shared/domain/measurement.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import type { Host } from '../../board/host.ts';
import { RejectedError } from '../../rejected-error.ts';
import type { WindowObserver } from '../window/window-observer.ts';
import { type AgentWord, type MeasureOrder, type MeasureReport, measureReportSchema } from './child-messages.ts';
import { createMemoryGuard, type MemoryGuard } from './memory-guard.ts';
import { pinTo } from './pinning.ts';

type Done = Extract<MeasureReport, { type: 'done' }>;

/** What came of the measuring process. */
export type Ending =
  | { kind: 'done'; report: Done }
  | { kind: 'ended'; outcome: Exclude<Outcome, 'ok' | 'invalid'>; reason: string };

export interface ProcessOptions {
  host: Host;
  signal: AbortSignal;
  /** What the model may take above what the runtime takes without it; null: what the board can spare. */
  memoryLimitBytes: number | null;
  /** Called when the model is loaded and warm; resolves when the measured window may begin. */
  mayBegin: () => Promise<void>;
  /** Called now and then while an engine is built. */
  onProgress: () => void;
  /** They begin one after another, after `mayBegin`. */
  observers: readonly WindowObserver[];
}

/** Beyond warm-up and window: process start, loading, optimising the graph. */
const SETUP_TIMEOUT_MS = 60_000;

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
    return await watch(child, guard, order, options);
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

function watch(child: ChildProcess, guard: MemoryGuard, order: MeasureOrder, options: ProcessOptions): Promise<Ending> {
  const { signal, memoryLimitBytes, mayBegin, onProgress, observers } = options;
  return new Promise((resolve, reject) => {
    let errorOutput = '';
    let hasAnswered = false;
    const timeoutMs = SETUP_TIMEOUT_MS + order.stopRule.maxDurationMs * 2;
    const watchdog = () =>
      setTimeout(
        () => fail('timed-out', `the measurement did not end within ${Math.round(timeoutMs / 1000)} s`),
        timeoutMs,
      );
    let timer = watchdog();
    const settle = (how: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      how();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const end = (ending: Ending) => settle(() => resolve(ending));
    const endsBadly = (how: string) => {
      const shortage = guard.shortage();
      if (shortage) fail('out-of-memory', outOfMemoryAt(shortage.bytes));
      // A runtime that gets no memory from the kernel says so and ends.
      else fail(isOutOfMemory(how) || isOutOfMemory(errorOutput) ? 'out-of-memory' : 'crashed', how);
    };
    const fail = (outcome: Exclude<Outcome, 'ok' | 'invalid'>, reason: string) =>
      end({ kind: 'ended', outcome, reason });
    const begin = async () => {
      // It fits: what JavaScript collects late in the window is no memory of the model's.
      guard.allow(null);
      // The wait for the coordinator's machine is not the model's fault; an abort ends it by the signal.
      clearTimeout(timer);
      await mayBegin();
      for (const observer of observers) await observer.begin();
      if (signal.aborted || !child.connected) return;
      timer = watchdog();
      child.send('begin' satisfies AgentWord);
    };
    const hear = (message: MeasureReport) => {
      if (message.type === 'preparing') {
        clearTimeout(timer);
        timer = watchdog();
        onProgress();
      } else if (message.type === 'started') {
        guard.allow(memoryLimitBytes);
        child.send('load' satisfies AgentWord);
      } else if (message.type === 'ready') {
        begin().catch((error) => settle(() => reject(error)));
      } else if (message.type === 'failed') {
        if (message.rejected) settle(() => reject(new RejectedError(`the model cannot run here: ${message.message}`)));
        else endsBadly(message.message);
      } else {
        // From here on only the observers take time, and the process may end.
        hasAnswered = true;
        clearTimeout(timer);
        Promise.all(observers.map((observer) => observer.end())).then(
          () => end({ kind: 'done', report: message }),
          (error) => settle(() => reject(error)),
        );
      }
    };
    signal.addEventListener('abort', onAbort, { once: true });
    child.stderr?.on('data', (chunk) => {
      errorOutput = (errorOutput + chunk).slice(-2000);
    });
    child.on('message', (raw) => {
      const message = measureReportSchema.safeParse(raw);
      if (!message.success)
        return fail('crashed', `the measuring process sent what cannot be read: ${message.error.message}`);
      try {
        hear(message.data);
      } catch (error) {
        settle(() => reject(error));
      }
    });
    child.on('error', (error) => fail('crashed', `the measuring process could not be started: ${error.message}`));
    child.on('exit', (code, killedBy) => {
      if (hasAnswered) return;
      const how = killedBy === null ? `with code ${code}` : `by ${killedBy}`;
      const lastWords = errorOutput ? `: ${errorOutput.trim().split('\n').at(-1)}` : '';
      endsBadly(`the measuring process ended ${how}${lastWords}`);
    });
    child.send(order);
  });
}

function outOfMemoryAt(bytes: number | null): string {
  return bytes === null
    ? 'out of memory: the whole board ran out'
    : `out of memory at ${formatQuantity(bytes, 'memory')}`;
}

function isOutOfMemory(text: string): boolean {
  return /bad_alloc|out ?of ?memory|cannot allocate|MemoryError/i.test(text);
}
