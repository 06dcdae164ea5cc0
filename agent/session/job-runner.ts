/** The agent's jobs: one at a time, the others wait; each is answered exactly once per attempt. */
import type { BoardDescription } from '@edgetune/shared/domain/device.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { isTerminal, type Job, type JobState } from '@edgetune/shared/protocol/job.ts';
import { type JobUpdateMessage, PROTOCOL_VERSION } from '@edgetune/shared/protocol/messages.ts';
import { RejectedError } from '../rejected-error.ts';
import type { JobJournal, JournalEntry } from './job-journal.ts';
import type { Outbox } from './outbox.ts';

/**
 * @param mayBegin is called when all is ready, and resolves when the measured window may begin
 * @param onProgress is called while no window is measured, again and again, such as when the board cools down
 */
export type Measure = (
  job: Pick<Job, 'request' | 'waitForHost'>,
  signal: AbortSignal,
  mayBegin: () => Promise<void>,
  onProgress: () => void,
) => Promise<Measurement>;
type Fence = Pick<Job, 'jobId' | 'attempt' | 'leaseToken'>;
type Ending = Pick<JobUpdateMessage, 'state' | 'reason' | 'measurement' | 'board'>;

const ACCEPTED: Ending = { state: 'accepted', reason: null, measurement: null };
const RUNNING: Ending = { state: 'running', reason: null, measurement: null };

/** A job during which the agent was ended so often is answered: it may be what ends the agent, or its whole board. */
const MOST_TRIES = 2;

/** How often the coordinator is told that a job still makes progress. */
const PROGRESS_EVERY_MS = 10_000;

/** Results that are remembered for a job that arrives twice. */
const MOST_REMEMBERED = 100;

interface Active {
  job: Job;
  controller: AbortController;
  done: Promise<void>;
  /** Its window has begun, or waits for the coordinator's word. */
  running: boolean;
}

class CancelledError extends Error {
  override name = 'CancelledError';
}
class StepTimeoutError extends Error {
  override name = 'StepTimeoutError';
}

export class JobRunner {
  readonly #measure: Measure;
  readonly #outbox: Outbox;
  readonly #journal: JobJournal;
  readonly #send: (update: JobUpdateMessage) => void;
  readonly #board: (() => BoardDescription) | undefined;
  readonly #queue: Job[] = [];
  readonly #finished = new Map<string, Ending>();
  #active: Active | null = null;
  #closed = false;
  /** Something is done between two jobs. */
  #held = false;
  /** Lets the running job begin its window, where it waits for the coordinator's word. */
  #begin: () => void = () => {};

  /** Takes up again what an earlier run of the agent has left in the journal. */
  constructor(options: {
    measure: Measure;
    outbox: Outbox;
    journal: JobJournal;
    send: (update: JobUpdateMessage) => void;
    /** As it was described last: it goes with each measurement. */
    board?: () => BoardDescription;
  }) {
    this.#measure = options.measure;
    this.#outbox = options.outbox;
    this.#journal = options.journal;
    this.#send = options.send;
    this.#board = options.board;
    for (const update of options.outbox.waiting()) this.#remember(update, update);
    for (const entry of options.journal.entries()) this.#takeUp(entry);
    this.#next();
  }

  #takeUp({ job, begun }: JournalEntry): void {
    if (this.#finished.has(keyOf(job))) this.#journal.remove(job);
    else if (begun < MOST_TRIES) this.#queue.push(job);
    else {
      const reason = `the agent stopped ${begun} times while measuring this: the model, or the load that it is, may bring the board down`;
      this.#finish(job, { state: 'failed', reason, measurement: null });
    }
  }

  /** Jobs that are accepted and not finished. */
  open(): Fence[] {
    const jobs = [...(this.#active ? [this.#active.job] : []), ...this.#queue];
    return jobs.map(({ jobId, attempt, leaseToken }) => ({ jobId, attempt, leaseToken }));
  }

  accept(job: Job): void {
    const known = this.#finished.get(keyOf(job));
    if (known) {
      // Seen before: the same answer again, unless it still waits in the outbox and goes out anyway.
      if (!this.#outbox.waiting().some((update) => keyOf(update) === keyOf(job))) this.#report(job, known);
      return;
    }
    if (this.open().some((open) => keyOf(open) === keyOf(job))) return;
    this.#queue.push(job);
    this.#journal.accept(job);
    this.#report(job, ACCEPTED);
    this.#next();
  }

  cancel(fence: Fence, reason: string): void {
    if (this.#active && keyOf(this.#active.job) === keyOf(fence)) {
      this.#active.controller.abort(new CancelledError(reason));
      return;
    }
    const index = this.#queue.findIndex((job) => keyOf(job) === keyOf(fence));
    const [job] = index < 0 ? [] : this.#queue.splice(index, 1);
    // A job that is not here any more is cancelled too: the coordinator waits for the word.
    if (job || !this.#finished.has(keyOf(fence)))
      this.#finish(job ?? fence, { state: 'cancelled', reason, measurement: null });
  }

  /** The coordinator's word that its machine is quiet. */
  proceed(fence: Fence): void {
    if (this.#active && keyOf(this.#active.job) === keyOf(fence)) this.#begin();
  }

  /** Says again how the running job stands: after a reconnect the coordinator may not have heard it. */
  reportAgain(): void {
    if (this.#active?.running) this.#report(this.#active.job, RUNNING);
  }

  /** Does something else between two jobs: when the running one has ended, and before the next begins. */
  async between(work: () => Promise<void>): Promise<void> {
    this.#held = true;
    try {
      await this.#active?.done;
      if (!this.#closed) await work();
    } finally {
      this.#held = false;
      this.#next();
    }
  }

  /** Ends the running job without an answer: after the restart it is taken up again. */
  async close(): Promise<void> {
    this.#closed = true;
    const active = this.#active;
    active?.controller.abort(new CancelledError('the agent ends'));
    await active?.done;
    if (active) this.#journal.putBack(active.job);
  }

  #next(): void {
    if (this.#active || this.#closed || this.#held) return;
    const job = this.#queue.shift();
    if (!job) return;
    this.#journal.begin(job);
    const active: Active = { job, controller: new AbortController(), done: Promise.resolve(), running: false };
    this.#active = active;
    active.done = this.#run(active).then((ending) => {
      this.#active = null;
      if (!this.#closed) this.#finish(job, ending);
      this.#next();
    });
  }

  async #run(active: Active): Promise<Ending> {
    const { job, controller } = active;
    const late = () =>
      controller.abort(new StepTimeoutError(`the job did not end within ${Math.round(job.stepTimeoutMs / 1000)} s`));
    let timer = setTimeout(late, job.stepTimeoutMs);
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(late, job.stepTimeoutMs);
    };
    const mayBegin = async () => {
      // For how long others hold the coordinator's machine says nothing about this job.
      clearTimeout(timer);
      active.running = true;
      const begun = job.waitForHost ? this.#untilBegin(controller.signal) : null;
      this.#report(job, RUNNING);
      await begun;
      restartTimer();
    };
    let reportedMs = performance.now();
    const onProgress = () => {
      restartTimer();
      if (!active.running && performance.now() - reportedMs < PROGRESS_EVERY_MS) return;
      // No longer `running`: the coordinator's machine, where it was waited for, is given back.
      active.running = false;
      reportedMs = performance.now();
      this.#report(job, ACCEPTED);
    };
    try {
      const measurement = await this.#measure(job, controller.signal, mayBegin, onProgress);
      return { state: 'succeeded', reason: null, measurement, ...(this.#board ? { board: this.#board() } : {}) };
    } catch (error) {
      return { state: stateOf(error), reason: (error as Error).message, measurement: null };
    } finally {
      clearTimeout(timer);
    }
  }

  #untilBegin(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#begin = resolve;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }

  #finish(fence: Fence, ending: Ending): void {
    this.#remember(fence, ending);
    this.#report(fence, ending);
    this.#journal.remove(fence);
  }

  #remember(fence: Fence, { state, reason, measurement, board }: Ending): void {
    this.#finished.set(keyOf(fence), { state, reason, measurement, ...(board ? { board } : {}) });
    const [oldest] = this.#finished.keys();
    if (this.#finished.size > MOST_REMEMBERED && oldest !== undefined) this.#finished.delete(oldest);
  }

  #report({ jobId, attempt, leaseToken }: Fence, ending: Ending): void {
    const at = new Date().toISOString();
    const update: JobUpdateMessage = {
      protocol: PROTOCOL_VERSION,
      updateId: this.#outbox.newId(),
      jobId,
      attempt,
      leaseToken,
      ...ending,
      at,
    };
    if (isTerminal(ending.state)) this.#outbox.add(update);
    this.#send(update);
  }
}

function keyOf({ jobId, attempt }: Pick<Fence, 'jobId' | 'attempt'>): string {
  return `${jobId}/${attempt}`;
}

function stateOf(error: unknown): Extract<JobState, 'rejected' | 'cancelled' | 'timed-out' | 'failed'> {
  if (error instanceof RejectedError) return 'rejected';
  if (error instanceof CancelledError) return 'cancelled';
  return error instanceof StepTimeoutError ? 'timed-out' : 'failed';
}
