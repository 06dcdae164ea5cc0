/** Follows one measuring process: lets it load and begin, and says how it ended. */
import type { ChildProcess } from 'node:child_process';
import type { Outcome } from '@edgetune/shared/domain/measurement.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { RejectedError } from '../../rejected-error.ts';
import type { WindowObserver } from '../window/window-observer.ts';
import { type AgentWord, type MeasureOrder, type MeasureReport, measureReportSchema } from './child-messages.ts';
import type { MemoryGuard } from './memory-guard.ts';

type Done = Extract<MeasureReport, { type: 'done' }>;
type BadOutcome = Exclude<Outcome, 'ok' | 'invalid'>;

/** What came of the measuring process. */
export type Ending = { kind: 'done'; report: Done } | { kind: 'ended'; outcome: BadOutcome; reason: string };

export interface WatchOptions {
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

export class ProcessWatch {
  /**
   * Rejects with a RejectedError where the model can never run here, with the signal's reason when it is aborted, and
   * with what a listener or an observer throws.
   */
  readonly ending: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #guard: MemoryGuard;
  readonly #options: WatchOptions;
  readonly #timeoutMs: number;
  #resolve: (ending: Ending) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #errorOutput = '';
  #hasAnswered = false;

  /** Sends the order to the child. */
  constructor(child: ChildProcess, guard: MemoryGuard, order: MeasureOrder, options: WatchOptions) {
    this.#child = child;
    this.#guard = guard;
    this.#options = options;
    this.#timeoutMs = SETUP_TIMEOUT_MS + order.stopRule.maxDurationMs * 2;
    this.ending = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#startTimer();
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    child.stderr?.on('data', (chunk) => {
      this.#errorOutput = (this.#errorOutput + chunk).slice(-2000);
    });
    child.on('message', (raw) => this.#onMessage(raw));
    child.on('error', (error) => this.#fail('crashed', `the measuring process could not be started: ${error.message}`));
    child.on('exit', (code, killedBy) => this.#onExit(code, killedBy));
    child.send(order);
  }

  readonly #onAbort = () => this.#throw(this.#options.signal.reason);

  #onMessage(raw: unknown): void {
    const message = measureReportSchema.safeParse(raw);
    try {
      if (message.success) this.#hear(message.data);
      else this.#fail('crashed', `the measuring process sent what cannot be read: ${message.error.message}`);
    } catch (error) {
      this.#throw(error);
    }
  }

  #hear(message: MeasureReport): void {
    if (message.type === 'preparing') {
      this.#startTimer();
      this.#options.onProgress();
    } else if (message.type === 'started') {
      this.#guard.allow(this.#options.memoryLimitBytes);
      this.#say('load');
    } else if (message.type === 'ready') {
      this.#begin().catch((error) => this.#throw(error));
    } else if (message.type === 'failed') {
      if (message.rejected) this.#throw(new RejectedError(`the model cannot run here: ${message.message}`));
      else this.#endBadly(message.message);
    } else {
      this.#finish(message).catch((error) => this.#throw(error));
    }
  }

  async #begin(): Promise<void> {
    const { signal, mayBegin, observers } = this.#options;
    // It fits: what JavaScript collects late in the window is no memory of the model's.
    this.#guard.allow(null);
    // The wait for the coordinator's machine is not the model's fault; an abort ends it by the signal.
    clearTimeout(this.#timer);
    await mayBegin();
    for (const observer of observers) await observer.begin();
    if (signal.aborted || !this.#child.connected) return;
    this.#startTimer();
    this.#say('begin');
  }

  /** From here on only the observers take time, and the process may end. */
  async #finish(report: Done): Promise<void> {
    this.#hasAnswered = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#options.observers.map((observer) => observer.end()));
    this.#end({ kind: 'done', report });
  }

  #onExit(code: number | null, killedBy: string | null): void {
    if (this.#hasAnswered) return;
    const how = killedBy === null ? `with code ${code}` : `by ${killedBy}`;
    const lastWords = this.#errorOutput ? `: ${this.#errorOutput.trim().split('\n').at(-1)}` : '';
    this.#endBadly(`the measuring process ended ${how}${lastWords}`);
  }

  #endBadly(how: string): void {
    const shortage = this.#guard.shortage();
    if (shortage) this.#fail('out-of-memory', outOfMemoryAt(shortage.bytes));
    // A runtime that gets no memory from the kernel says so and ends.
    else this.#fail(isOutOfMemory(how) || isOutOfMemory(this.#errorOutput) ? 'out-of-memory' : 'crashed', how);
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    const reason = `the measurement did not end within ${Math.round(this.#timeoutMs / 1000)} s`;
    this.#timer = setTimeout(() => this.#fail('timed-out', reason), this.#timeoutMs);
  }

  #say(word: AgentWord): void {
    this.#child.send(word);
  }

  #fail(outcome: BadOutcome, reason: string): void {
    this.#end({ kind: 'ended', outcome, reason });
  }

  #end(ending: Ending): void {
    this.#settle();
    this.#resolve(ending);
  }

  #throw(error: unknown): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }
}

function outOfMemoryAt(bytes: number | null): string {
  return bytes === null
    ? 'out of memory: the whole board ran out'
    : `out of memory at ${formatQuantity(bytes, 'memory')}`;
}

/**
 * How the kernel, C++, ONNX Runtime's arena (core/framework/bfc_arena.cc), CUDA's libraries, Python, NumPy and JavaScript say that there
 * is not as much memory as was asked for.
 */
const NO_MEMORY =
  /bad_?alloc|out ?of ?memory|(cannot|unable to|failed to|could not) allocate|available memory of .* is smaller than requested|alloc_?failed|allocation failed|MemoryError|ENOMEM|invalid (typed )?array (buffer )?length/i;

function isOutOfMemory(text: string): boolean {
  return NO_MEMORY.test(text);
}
