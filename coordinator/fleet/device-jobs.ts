/**
 * The jobs of one device: one at a time is with the agent, the others wait their turn. What happens to a job is noted in
 * the journal first; whoever carries messages to the agent sends them when that is written.
 */
import { randomUUID } from 'node:crypto';
import { inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { canFollow, isTerminal, type JobState, type MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { CommandMessage, HelloMessage, JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import type { Clock } from './clock.ts';
import { FairQueue } from './fair-queue.ts';
import { type HostLease, JobFailedError, type MeasureOptions } from './fleet.ts';
import type { JobJournal, JobRecord } from './job-repository.ts';
import { newSecret } from './secrets.ts';

export interface DeviceJobsOptions {
  deviceId: string;
  journal: JobJournal;
  clock: Clock;
  /** Sends to the agent; what is sent while it is not connected is lost, and sent again after its hello. */
  send(command: CommandMessage): void;
  /** Where the device is the coordinator's own machine: taken for the measured window of each job. */
  hostLease(): HostLease | null;
  /** The number of jobs or their states have changed. */
  onChange(): void;
  /** Who waits for a job has thrown, or the coordinator's machine could not be had for one. */
  onFault(error: unknown): void;
}

/** How often a job whose run was lost is begun in all. Waiting for an absent device is no run. */
const MAX_ATTEMPTS = 3;
/** The agent ends a job that stands still by itself; only when it does not is the run given up from here. */
const STEP_GRACE_MS = 15_000;
/** After its hello an agent delivers what it has finished; only then is a job that it does not know really lost. */
const OUTBOX_GRACE_MS = 5000;
/** How long the agent may take to confirm that it has stopped. */
const CANCEL_GRACE_MS = 10_000;

/** A job in this process: somebody waits for it. */
interface Pending {
  record: JobRecord;
  options: MeasureOptions;
  resolve(result: JobResult): void;
  reject(error: unknown): void;
  /** The waiter has its answer; what is left is to hear from the agent that the device is free. */
  settled: boolean;
  onAbort: () => void;
  stopTimer: () => void;
  giveBackHost: () => void;
  /** The attempt for which the coordinator's machine is asked for and not there yet. */
  hostAskedFor: number | null;
}

/** A measurement with the job, as it ended, that asked for it. */
export interface JobResult {
  job: Readonly<JobRecord>;
  measurement: Measurement;
}

const nothing = () => {};

export class DeviceJobs {
  readonly #options: DeviceJobsOptions;
  readonly #queue = new FairQueue<Pending>();
  #active: Pending | null = null;
  #ready = false;

  constructor(options: DeviceJobsOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#active && this.#active.record.state !== 'queued' ? 1 : 0;
  }

  get queued(): number {
    return this.#queue.size + (this.#active?.record.state === 'queued' ? 1 : 0);
  }

  /** Queues a measurement and waits for its result. @throws {JobFailedError} */
  async measure(request: MeasureRequest, options: MeasureOptions): Promise<JobResult> {
    if (options.signal.aborted) throw cancelled(options.signal);
    const at = this.#timestamp();
    const record: JobRecord = {
      id: `j-${randomUUID()}`,
      deviceId: this.#options.deviceId,
      studyId: options.studyId,
      request,
      state: 'queued',
      attempt: 1,
      leaseToken: newSecret(),
      reason: null,
      createdAt: at,
      updatedAt: at,
    };
    this.#options.journal.insert(record);
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        record,
        options,
        resolve,
        reject,
        settled: false,
        onAbort: () => this.#cancel(pending, cancelled(options.signal)),
        stopTimer: nothing,
        giveBackHost: nothing,
        hostAskedFor: null,
      };
      options.signal.addEventListener('abort', pending.onAbort, { once: true });
      this.#tellState(pending, 'queued');
      this.#queue.push(ownerOf(pending), pending);
      this.#options.onChange();
      this.#next();
    });
  }

  /** The agent is connected. `journal`: the jobs that it holds; null where it did not say (it said so earlier). */
  connected(journal: HelloMessage['jobs'] | null): void {
    this.#ready = true;
    const active = this.#active;
    for (const job of journal ?? [])
      if (!active || active.settled || !isFenceOf(job, active.record))
        this.#options.send({ type: 'cancel', ...job, reason: 'the coordinator does not wait for this job any more' });
    if (active && active.record.state !== 'queued') this.#reconcile(active, journal);
    this.#next();
  }

  /** The agent is gone. A job that it holds waits for it, for as long as it takes. */
  disconnected(): void {
    this.#ready = false;
    const active = this.#active;
    if (!active) return;
    active.stopTimer();
    if (active.settled) this.#free(active);
    // Nobody may hold the coordinator's machine for an agent that is not there.
    else if (active.giveBackHost !== nothing) this.#lose(active, 'its agent went away');
  }

  /**
   * The agent reports on a job.
   * @returns false where the report does not carry the current job's fence: it has changed nothing
   */
  update(update: JobUpdateMessage): boolean {
    const active = this.#active;
    if (!active || !isFenceOf(update, active.record)) return false;
    if (active.settled) {
      if (isTerminal(update.state)) this.#free(active);
      return false;
    }
    if (isTerminal(update.state)) this.#finish(active, update);
    else {
      if (canFollow(active.record.state, update.state)) this.#change(active, update.state, null);
      this.#watchSteps(active);
      // Between two windows, when the first was disturbed, training goes on.
      if (update.state === 'accepted') giveBackHost(active);
      const lease = update.state === 'running' ? this.#options.hostLease() : null;
      if (lease) this.#proceed(active, lease).catch(this.#options.onFault);
    }
    return true;
  }

  /** The device leaves the fleet, or the coordinator stops: nobody waits any longer. */
  close(reason: string): void {
    this.#ready = false;
    for (const pending of [...this.#queue.items(), ...(this.#active ? [this.#active] : [])])
      this.#cancel(pending, new JobFailedError('cancelled', reason));
    if (this.#active) this.#free(this.#active);
  }

  #next(): void {
    if (!this.#ready || this.#active) return;
    const pending = this.#queue.shift();
    if (!pending) return;
    this.#active = pending;
    this.#send(pending);
  }

  /** The agent is ready to measure on the coordinator's own machine: takes the machine, then lets it begin. */
  async #proceed(pending: Pending, lease: HostLease): Promise<void> {
    if (pending.giveBackHost === nothing) {
      // For how long others hold the machine says nothing about the agent.
      pending.stopTimer();
      const isAsked = pending.hostAskedFor !== null;
      // An attempt that was lost while it waited leaves its place to the next one.
      pending.hostAskedFor = pending.record.attempt;
      if (isAsked) return;
      let giveBack: () => void;
      try {
        giveBack = await lease.acquire(pending.options.signal);
      } catch (error) {
        // Where the wait was aborted, so was the job.
        if (pending.options.signal.aborted) return;
        this.#options.onFault(error);
        const why = `the coordinator's machine could not be had for it: ${(error as Error).message}`;
        if (this.#active === pending && !pending.settled) this.#loseAfter(pending, 0, why);
        return;
      }
      const isCurrent = this.#active === pending && !pending.settled && pending.record.attempt === pending.hostAskedFor;
      pending.hostAskedFor = null;
      // An agent that went away says `running` again, or has lost the job, when it is back.
      if (!isCurrent || !this.#ready) return giveBack();
      pending.giveBackHost = giveBack;
    }
    const { id: jobId, attempt, leaseToken } = pending.record;
    this.#options.send({ type: 'proceed', jobId, attempt, leaseToken });
    this.#watchSteps(pending);
  }

  #send(pending: Pending): void {
    this.#change(pending, 'sent', null);
    this.#sendAgain(pending);
  }

  #sendAgain(pending: Pending): void {
    const { id: jobId, attempt, leaseToken, request } = pending.record;
    const stepTimeoutMs = stepTimeoutMsOf(request as MeasureRequest);
    const waitForHost = this.#options.hostLease() !== null;
    this.#options.send({ type: 'job', job: { jobId, attempt, leaseToken, stepTimeoutMs, waitForHost, request } });
    this.#watchSteps(pending);
  }

  #reconcile(active: Pending, journal: HelloMessage['jobs'] | null): void {
    if (active.settled) return;
    if (!journal || journal.some((job) => isFenceOf(job, active.record))) this.#watchSteps(active);
    else if (active.record.state === 'sent') this.#sendAgain(active);
    else this.#loseAfter(active, OUTBOX_GRACE_MS, 'its agent no longer knows it');
  }

  #watchSteps(pending: Pending): void {
    const limitMs = stepTimeoutMsOf(pending.record.request as MeasureRequest) + STEP_GRACE_MS;
    this.#loseAfter(pending, limitMs, `its agent did not report for ${Math.round(limitMs / 1000)} s`);
  }

  #loseAfter(pending: Pending, ms: number, why: string): void {
    pending.stopTimer();
    pending.stopTimer = this.#options.clock.after(ms, () => {
      this.#sendCancel(pending, why);
      this.#lose(pending, why);
    });
  }

  /** The run is lost: the same job begins anew, one attempt later, so that nothing of the old run can be mistaken. */
  #lose(pending: Pending, why: string): void {
    const { attempt } = pending.record;
    if (attempt >= MAX_ATTEMPTS) {
      const reason = `the job was lost ${attempt} times; the last time ${why}: look after its power supply and network`;
      this.#change(pending, 'failed', reason);
      this.#settle(pending, () => pending.reject(new JobFailedError('failed', reason)));
    } else {
      Object.assign(pending.record, { attempt: attempt + 1, leaseToken: newSecret() });
      this.#change(pending, 'queued', why);
      this.#queue.putBack(ownerOf(pending), pending);
    }
    this.#free(pending);
  }

  #finish(pending: Pending, update: JobUpdateMessage): void {
    const { state, reason, measurement } = update;
    const problem = state === 'succeeded' ? resultProblem(pending.record, measurement) : null;
    const ended = problem ? 'failed' : (state as JobFailedError['state'] | 'succeeded');
    const why = problem ?? reason;
    this.#change(pending, ended, why);
    this.#settle(pending, () => {
      if (ended === 'succeeded') pending.resolve({ job: pending.record, measurement: measurement as Measurement });
      else pending.reject(new JobFailedError(ended, why ?? `the agent reported the job as ${ended}`));
    });
    this.#free(pending);
  }

  #cancel(pending: Pending, error: JobFailedError): void {
    if (pending.settled) return;
    const withAgent = pending.record.state !== 'queued';
    this.#change(pending, 'cancelled', error.message);
    this.#settle(pending, () => pending.reject(error));
    this.#queue.remove(ownerOf(pending), pending);
    if (withAgent) this.#sendCancel(pending, error.message);
    if (pending !== this.#active) this.#options.onChange();
    else if (withAgent && this.#ready) {
      // The board is busy with it until the agent says otherwise.
      pending.stopTimer();
      pending.stopTimer = this.#options.clock.after(CANCEL_GRACE_MS, () => this.#free(pending));
    } else this.#free(pending);
  }

  #sendCancel({ record: { id: jobId, attempt, leaseToken } }: Pending, reason: string): void {
    this.#options.send({ type: 'cancel', jobId, attempt, leaseToken, reason });
  }

  #change(pending: Pending, state: JobState, reason: string | null): void {
    Object.assign(pending.record, { state, reason, updatedAt: this.#timestamp() });
    const { id, attempt, leaseToken, updatedAt } = pending.record;
    this.#options.journal.update(id, { state, attempt, leaseToken, reason, updatedAt });
    if (!pending.settled) this.#tellState(pending, state);
    this.#options.onChange();
  }

  /** Called within signals and timers: what whoever waits for the job throws there would end the process. */
  #tellState(pending: Pending, state: JobState): void {
    try {
      pending.options.onStateChange?.(state);
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  #settle(pending: Pending, answer: () => void): void {
    pending.settled = true;
    pending.options.signal.removeEventListener('abort', pending.onAbort);
    answer();
  }

  /** The device (and the coordinator's machine, where it was taken) is free for the next job. */
  #free(pending: Pending): void {
    pending.stopTimer();
    giveBackHost(pending);
    if (this.#active !== pending) return;
    this.#active = null;
    this.#options.onChange();
    this.#next();
  }

  #timestamp(): string {
    return new Date(this.#options.clock.now()).toISOString();
  }
}

/** What is wrong with a result as an answer to this job; null: nothing. */
export function resultProblem({ request }: JobRecord, measurement: Measurement | null): string | null {
  if (!measurement) return 'the agent reported success without a measurement';
  const answersRequest =
    measurement.modelSha256 === request.modelSha256 &&
    measurement.signature === request.signature &&
    inferenceConfigKey(measurement.config) === inferenceConfigKey(request.config) &&
    scenarioKey(measurement.scenario) === scenarioKey(request.scenario);
  return answersRequest ? null : 'the agent measured another model, inference config or scenario than it was asked for';
}

/**
 * How long the agent may be silent: the download at 100 kB/s or more, loading and warm-up, and the measured window,
 * which slow models overrun by a run.
 */
function stepTimeoutMsOf({ modelBytes, stopRule }: MeasureRequest): number {
  return Math.round(60_000 + modelBytes / 100 + 2 * stopRule.maxDurationMs);
}

function giveBackHost(pending: Pending): void {
  pending.giveBackHost();
  pending.giveBackHost = nothing;
}

function ownerOf({ record }: Pending): string {
  return record.studyId ?? '';
}

function isFenceOf(fence: { jobId: string; attempt: number; leaseToken: string }, record: JobRecord): boolean {
  return fence.jobId === record.id && fence.attempt === record.attempt && fence.leaseToken === record.leaseToken;
}

function cancelled(signal: AbortSignal): JobFailedError {
  const reason: unknown = signal.reason;
  return new JobFailedError('cancelled', reason instanceof Error ? reason.message : String(reason));
}
