/**
 * Sessions in a thread of their own: what one decides, however long that takes, keeps nobody but other tuners waiting. One
 * that takes longer than a limit is given up: the thread is ended, and the others go on from their journals.
 */
import { Worker } from 'node:worker_threads';
import { childModuleUrl, threadEntryFor } from '@edgetune/shared/runtime/child-module.ts';
import { type HostReply, hostReplySchema } from './host-messages.ts';
import { LostSessionsError, type TunerHost } from './tuner-host.ts';

/** An answer takes milliseconds; the replay of the longest journal seconds. */
const LONGEST_CALL_MS = 120_000;

export interface ThreadedHostOptions {
  leaseS: number;
  /** Absent: two minutes. */
  longestCallMs?: number;
}

interface Call {
  resolve(value: never): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

class Thread {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  readonly #longestCallMs: number;
  #next = 0;
  #isOver = false;

  constructor({ leaseS, longestCallMs = LONGEST_CALL_MS }: ThreadedHostOptions) {
    this.#longestCallMs = longestCallMs;
    const url = childModuleUrl(import.meta.url, './tuner-worker.ts', './tuner-worker.js');
    this.#worker = new Worker(threadEntryFor(url), { workerData: { leaseS } });
    this.#worker.on('message', (message) => this.#answered(hostReplySchema.parse(message)));
    this.#worker.on('error', (error) => this.#end(`the thread of the tuners ended: ${error.message}`));
    this.#worker.on('exit', () => this.#end('the thread of the tuners ended'));
    // It ends with the coordinator.
    this.#worker.unref();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  call<T>(name: string, args: readonly unknown[]): Promise<T> {
    if (this.#isOver) return Promise.reject(new LostSessionsError('the thread of the tuners ended'));
    const call = this.#next++;
    return new Promise<T>((resolve, reject) => {
      const seconds = this.#longestCallMs / 1000;
      const timer = setTimeout(
        () => this.#end(`a tuner did not answer within ${seconds} s: it was given up, and goes on from its journal`),
        this.#longestCallMs,
      );
      this.#calls.set(call, { resolve, reject, timer });
      this.#worker.postMessage({ call, name, args });
    });
  }

  #answered({ call, error, value }: HostReply) {
    const waiting = this.#calls.get(call);
    if (!waiting) return;
    this.#calls.delete(call);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(value as never);
    else waiting.reject(new RangeError(error));
    // Only the first in the queue is worked on: the others' time begins with it.
    for (const { timer } of this.#calls.values()) timer.refresh();
  }

  #end(why: string) {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reject, timer } of this.#calls.values()) {
      clearTimeout(timer);
      reject(new LostSessionsError(why));
    }
    this.#calls.clear();
    void this.#worker.terminate();
  }

  async close(): Promise<void> {
    this.#end('the coordinator ends');
    await this.#worker.terminate();
  }
}

/** The thread is started by the first tuner that is used. */
export function createThreadedHost(options: ThreadedHostOptions): TunerHost {
  let thread: Thread | null = null;
  /** Those of this thread, not of one before. */
  let opened = new Set<string>();
  const call = <T>(name: string, id: string, ...args: unknown[]): Promise<T> =>
    thread && opened.has(id)
      ? thread.call<T>(name, [id, ...args])
      : Promise.reject(new LostSessionsError(`tuner ${id} was given up with another one: it goes on from its journal`));
  return {
    open(id, ...args) {
      if (!thread || thread.isOver) [thread, opened] = [new Thread(options), new Set()];
      opened.add(id);
      return call('open', id, ...args);
    },
    answer: (...args) => call('answer', ...args),
    standing: (id) => call('standing', id),
    progress: (id) => call('progress', id),
    drop(id) {
      call('drop', id).catch(() => {});
      opened.delete(id);
    },
    close: async () => thread?.close(),
  };
}
