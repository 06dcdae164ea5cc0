/**
 * Training processes, kept warm between requests, and stopped as a whole for a host lease. A process that is stopped
 * cannot see its coordinator die: a watcher (a shell that waits on a pipe) wakes the children then, and they end.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import type { DatasetReport } from '@edgetune/shared/domain/dataset-report.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { childModuleUrl, execArgvFor } from '@edgetune/shared/runtime/child-module.ts';
import { QuantiseError } from '../export/quantise-onnx.ts';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import { type ChildRequest, type ChildResult, childMessageSchema, childResultSchemas } from './child-messages.ts';
import { type AskOptions, askReader, lookAtDataset } from './datasets/process/ask-reader.ts';
import type { Prepared } from './datasets/process/dataset-messages.ts';
import { LIMITS } from './datasets/source/limits.ts';
import { ChildDiedError, DatasetError, type EpochReport } from './training-service.ts';

/** Idle processes that are kept; each holds TensorFlow.js, about 150 MB. */
const MOST_IDLE = 3;

export class ChildPool {
  readonly #idle: ChildProcess[] = [];
  readonly #busy = new Set<ChildProcess>();
  /** The last look at a data set. */
  #looking: Promise<unknown> = Promise.resolve();
  #pauses = 0;
  #resumed: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #watcher: ChildProcess | null = null;
  /** For how long the children have stood still in all. */
  #pausedMs = 0;
  #pausedSinceMs = 0;

  /** Milliseconds for which the children have stood still, up to now. */
  get pausedMs(): number {
    return this.#pausedMs + (this.#pauses > 0 ? Date.now() - this.#pausedSinceMs : 0);
  }

  /**
   * Has a request answered by a process of its own. Aborting kills that process.
   * @throws {DatasetError}, the child's error, {ChildDiedError}, or the signal's reason
   */
  async run<T extends ChildRequest['type']>(
    request: Extract<ChildRequest, { type: T }>,
    options: { signal?: AbortSignal; onEpoch?: (report: EpochReport) => void } = {},
  ): Promise<ChildResult<T>> {
    const { signal, onEpoch } = options;
    // A request that comes while training stands still would disturb what is being measured.
    while (this.#pauses > 0) await this.#resumed;
    signal?.throwIfAborted();
    const child = this.#idle.pop() ?? this.#fork();
    this.#busy.add(child);
    try {
      const result = await exchange(child, request, signal, onEpoch);
      this.#release(child);
      return childResultSchemas[request.type].parse(result) as ChildResult<T>;
    } catch (error) {
      if (signal?.aborted || error instanceof ChildDiedError) this.#kill(child);
      else this.#release(child);
      throw error;
    }
  }

  /**
   * Has a data set read by another process, which stands still with the others.
   * @param into folder for its samples
   * @throws {DatasetError}
   */
  async read(dataset: DatasetSpec, takes: string, into: string): Promise<Prepared> {
    while (this.#pauses > 0) await this.#resumed;
    const answer = await askReader({ dataset, takes, into, limits: LIMITS }, this.#asGuest());
    if (answer.type !== 'prepared') throw new Error('a data set that was to be prepared was only looked at');
    return answer.prepared;
  }

  /** Has a data set looked at, likewise: one after the other, as each may fill much memory. @throws {DatasetError} */
  lookAt(dataset: DatasetSpec, takes?: string): Promise<DatasetReport> {
    const look = this.#looking.then(async () => {
      while (this.#pauses > 0) await this.#resumed;
      return lookAtDataset(dataset, takes, this.#asGuest());
    });
    this.#looking = look.catch(() => {});
    return look;
  }

  #asGuest(): AskOptions {
    return {
      onStarted: (child) => {
        this.#busy.add(child);
        child.on('exit', () => this.#busy.delete(child));
      },
      pausedMs: () => this.pausedMs,
    };
  }

  /** Stops all children until the returned function is called; calls nest. */
  pause(): () => void {
    if (this.#pauses++ === 0) {
      this.#pausedSinceMs = Date.now();
      this.#resumed = new Promise((resolve) => {
        this.#wake = resolve;
      });
      this.#tellWatcher(this.#all().flatMap(({ pid }) => pid ?? []));
      for (const child of this.#all()) child.kill('SIGSTOP');
    }
    let over = false;
    return () => {
      if (over) return;
      over = true;
      if (--this.#pauses > 0) return;
      for (const child of this.#all()) child.kill('SIGCONT');
      this.#pausedMs += Date.now() - this.#pausedSinceMs;
      this.#wake();
    };
  }

  close(): void {
    for (const child of this.#all()) this.#kill(child);
    this.#watcher?.kill();
    this.#watcher = null;
  }

  #all(): ChildProcess[] {
    return [...this.#idle, ...this.#busy];
  }

  #fork(): ChildProcess {
    const url = childModuleUrl(import.meta.url, './training-child.ts', './training-child.js');
    const child = fork(url, {
      execArgv: execArgvFor(url),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.setMaxListeners(0);
    // Whoever waits for an answer hears of it; between two requests nobody would.
    child.on('error', () => {});
    child.on('exit', () => {
      this.#busy.delete(child);
      if (this.#idle.includes(child)) this.#idle.splice(this.#idle.indexOf(child), 1);
    });
    return child;
  }

  #release(child: ChildProcess): void {
    this.#busy.delete(child);
    if (this.#idle.length < MOST_IDLE && child.connected && !child.killed) this.#idle.push(child);
    else this.#kill(child);
  }

  /** SIGKILL ends a stopped process too. */
  #kill(child: ChildProcess): void {
    this.#busy.delete(child);
    child.kill('SIGKILL');
  }

  #tellWatcher(pids: readonly number[]): void {
    this.#watcher ??= startWatcher();
    this.#watcher.stdin?.write(`${pids.join(' ')}\n`);
  }
}

/** Reads lines of process ids; when its input ends, which it does when the coordinator dies, it wakes the last line's. */
function startWatcher(): ChildProcess {
  const script = 'while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -CONT $pids 2>/dev/null';
  const watcher = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  // Without it a stopped process outlives a coordinator that is killed; the pause goes on all the same.
  watcher.on('error', () => {});
  watcher.unref();
  (watcher.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  watcher.stdin?.on('error', () => {});
  return watcher;
}

function exchange(
  child: ChildProcess,
  request: ChildRequest,
  signal: AbortSignal | undefined,
  onEpoch: ((report: EpochReport) => void) | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (raw: unknown) => {
      try {
        hear(raw);
      } catch (error) {
        // What it said could not be read or kept (a full disk): it must not go on by itself.
        child.kill('SIGKILL');
        end(() => reject(error));
      }
    };
    const hear = (raw: unknown) => {
      const message = childMessageSchema.parse(raw);
      if (message.type === 'epoch') onEpoch?.({ epoch: message.epoch, metrics: message.metrics });
      else if (message.type === 'result') end(() => resolve(message.result));
      else end(() => reject(errorOf(message)));
    };
    const onExit = (code: number | null, killedBy: string | null) =>
      end(() =>
        reject(
          new ChildDiedError(
            `the training process ended ${killedBy === null ? `with code ${code}` : `by ${killedBy} (out of memory?)`}`,
          ),
        ),
      );
    const onError = (error: Error) =>
      end(() => reject(new ChildDiedError(`the training process cannot be used: ${error.message}`)));
    const onAbort = () => end(() => reject(signal?.reason));
    const end = (settle: () => void) => {
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
    signal?.addEventListener('abort', onAbort, { once: true });
    child.send(request, (error) => {
      if (error) onError(error);
    });
  });
}

function errorOf({ name, message }: { name: string; message: string }): Error {
  if (name === 'DatasetError') return new DatasetError(message);
  if (name === 'QuantiseError') return new QuantiseError(message);
  if (name === 'NotWrittenError') return new NotWrittenError('disk-full', message);
  return Object.assign(new Error(message), { name });
}
