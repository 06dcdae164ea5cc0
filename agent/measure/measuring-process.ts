/** One measuring process: started, watched, and ended whatever happens. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome } from '@edgetune/shared/domain/measurement.ts';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import type { Host } from '../board/host.ts';
import { RejectedError } from '../rejected-error.ts';
import { type MeasureOrder, type MeasureReport, measureReportSchema } from './child-messages.ts';
import { pinTo } from './pinning.ts';
import type { WindowObserver } from './window-observer.ts';

type Done = Extract<MeasureReport, { type: 'done' }>;

/** What came of the measuring process. */
export type Ending =
  | { kind: 'done'; report: Done }
  | { kind: 'ended'; outcome: Exclude<Outcome, 'ok' | 'invalid'>; reason: string };

export interface ProcessOptions {
  host: Host;
  signal: AbortSignal;
  /** Called when the model is loaded and warm; resolves when the measured window may begin. */
  mayBegin: () => Promise<void>;
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
  const child = startChild(options.host, order.config.threads, cwd);
  try {
    return await watch(child, order, options);
  } finally {
    child.kill('SIGKILL');
    await Promise.all(options.observers.map((observer) => observer.close()));
    rmSync(cwd, { recursive: true, force: true });
  }
}

function startChild(host: Host, threads: number, cwd: string): ChildProcess {
  const url = childModuleUrl(import.meta.url, './measure-child.ts', './measure-child.js');
  const nodeFlags = execArgvFor(url);
  const pinning = pinTo(host, threads);
  const options = { cwd, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] as ('ignore' | 'pipe' | 'ipc')[] };
  return pinning
    ? fork(url, { ...options, execPath: pinning.command, execArgv: [...pinning.flags, process.execPath, ...nodeFlags] })
    : fork(url, { ...options, execArgv: nodeFlags });
}

function watch(child: ChildProcess, order: MeasureOrder, options: ProcessOptions): Promise<Ending> {
  const { signal, mayBegin, observers } = options;
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
    const fail = (outcome: Exclude<Outcome, 'ok' | 'invalid'>, reason: string) =>
      end({ kind: 'ended', outcome, reason });
    const begin = async () => {
      // The wait for the coordinator's machine is not the model's fault; an abort ends it by the signal.
      clearTimeout(timer);
      await mayBegin();
      for (const observer of observers) await observer.begin();
      if (!child.connected) return;
      timer = watchdog();
      child.send('begin');
    };
    const hear = (message: MeasureReport) => {
      if (message.type === 'ready') {
        begin().catch((error) => settle(() => reject(error)));
      } else if (message.type === 'failed') {
        if (message.rejected) settle(() => reject(new RejectedError(`the model cannot run here: ${message.message}`)));
        else fail(isOutOfMemory(message.message) ? 'out-of-memory' : 'crashed', message.message);
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
      if (message.success) hear(message.data);
      else fail('crashed', `the measuring process sent what cannot be read: ${message.error.message}`);
    });
    child.on('error', (error) => fail('crashed', `the measuring process could not be started: ${error.message}`));
    child.on('exit', (code, killedBy) => {
      if (hasAnswered) return;
      // The kernel's out-of-memory killer sends SIGKILL; a runtime that gets no memory aborts.
      const outcome = killedBy === 'SIGKILL' || isOutOfMemory(errorOutput) ? 'out-of-memory' : 'crashed';
      const how = killedBy === null ? `with code ${code}` : `by ${killedBy}`;
      const lastWords = errorOutput ? `: ${errorOutput.trim().split('\n').at(-1)}` : '';
      fail(outcome, `the measuring process ended ${how}${lastWords}`);
    });
    child.send(order);
  });
}

function isOutOfMemory(text: string): boolean {
  return /bad_alloc|out of memory|cannot allocate/i.test(text);
}
