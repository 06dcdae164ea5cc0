/** What agents report of their jobs: given to whoever waits, kept where nobody does, acknowledged when it is written. */
import { setImmediate } from 'node:timers/promises';
import { deviceClassOf, isSameBoard } from '@edgetune/shared/domain/device.ts';
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { mistakesInLine } from '@edgetune/shared/domain/schema-mistakes.ts';
import type { Logger } from '@edgetune/shared/log/logger.ts';
import {
  type CommandMessage,
  type JobUpdateMessage,
  jobUpdateMessageSchema,
  PROTOCOL_VERSION,
} from '@edgetune/shared/protocol/messages.ts';
import { z } from 'zod';
import type { Clock } from './clock.ts';
import { resultProblem } from './device-jobs.ts';
import type { DeviceRecord } from './device-repository.ts';
import type { JobRecord, JobRepository } from './job-repository.ts';
import { RecentSet } from './recent-set.ts';

export interface JobReportsOptions {
  jobs: JobRepository;
  clock: Clock;
  log: Logger;
  /** Tells the device's jobs. True: somebody waited for this result. */
  tell(deviceId: string, update: JobUpdateMessage): boolean;
  /** A valid result that nobody waits for any longer. */
  onMeasurement(measurement: StoredMeasurement): Promise<void>;
  send(deviceId: string, command: CommandMessage): void;
}

/** When an agent is asked again for what the store could not write. */
const ASK_AGAIN_MS = 10_000;
const MOST_DELIVERED = 10_000;

/** Of a report that this version cannot read: enough to answer it. */
const unreadableReportSchema = z.object({ updateId: z.string().min(1) });
const fenceSchema = jobUpdateMessageSchema.pick({ jobId: true, attempt: true, leaseToken: true });

export class JobReports {
  readonly #options: JobReportsOptions;
  readonly #delivered = new RecentSet(MOST_DELIVERED);
  /** By device: calls off the question for what was not acknowledged. */
  readonly #askingAgain = new Map<string, () => void>();
  #isClosed = false;

  constructor(options: JobReportsOptions) {
    this.#options = options;
  }

  receive(record: DeviceRecord, message: unknown): void {
    const { jobs, log, send } = this.#options;
    const { id: deviceId, name } = record;
    const parsed = jobUpdateMessageSchema.safeParse(message);
    const { update, ofAnother } = parsed.success
      ? this.#withDeviceClass(record, parsed.data)
      : { update: refusedUpdate(message, parsed.error), ofAnother: null };
    if (parsed.error)
      log.warn(`${name}: its job-update could not be read and was ignored: ${mistakesInLine(parsed.error)}`, {
        deviceId,
      });
    // Whoever waits for a result writes it by itself, so that it does not show here which write was for this report:
    // where any has failed meanwhile, the report comes once more, which does no harm.
    const failuresBefore = jobs.failures();
    const applied = update ? this.#apply(record, update, ofAnother) : Promise.resolve();
    const id = unreadableReportSchema.safeParse(message);
    const acknowledge = async () => {
      // Whoever got the result has given it to the store when the microtasks have run: in a turn of its own this waits
      // until it is written. Only then may the agent forget it.
      await Promise.all([applied, setImmediate()]);
      await jobs.written();
      if (jobs.failures() !== failuresBefore) throw new Error('the store could not write everything');
      if (id.success) send(deviceId, { type: 'acknowledge', updateIds: [id.data.updateId] });
    };
    acknowledge().catch((error) => {
      if (update && (update.measurement ?? ofAnother)) this.#delivered.delete(runOf(update));
      log.error(`a report of ${name} is not acknowledged, so that it comes again`, { error, deviceId });
      this.#askAgain(deviceId);
    });
  }

  /** What fails from now on is said again at the next start. */
  close(): void {
    this.#isClosed = true;
    for (const callOff of this.#askingAgain.values()) callOff();
    this.#askingAgain.clear();
  }

  /** An agent says by itself what it was not acknowledged only after its next connect. */
  #askAgain(deviceId: string): void {
    if (this.#isClosed || this.#askingAgain.has(deviceId)) return;
    const callOff = this.#options.clock.after(ASK_AGAIN_MS, () => {
      this.#askingAgain.delete(deviceId);
      this.#options.send(deviceId, { type: 'greet' });
    });
    this.#askingAgain.set(deviceId, callOff);
  }

  /**
   * The class is what the board said of itself: in the report, as it was while it was measured, or in its hello. What another
   * board has measured, whose card or outbox was moved to this one, answers nothing that this one was asked: it is kept for
   * the history, under the class of the board that it is of.
   */
  #withDeviceClass(
    { id: deviceId, name, board: known }: DeviceRecord,
    update: JobUpdateMessage,
  ): { update: JobUpdateMessage; ofAnother: Measurement | null } {
    const { measurement, board = known } = update;
    if (!board || !measurement) return { update, ofAnother: null };
    const classed = { ...measurement, deviceClass: deviceClassOf(board) };
    if (!known || isSameBoard(known, board)) return { update: { ...update, measurement: classed }, ofAnother: null };
    const reason = `the report comes from another board (${board.model}) than the one that is connected as ${name} (${known.model})`;
    this.#options.log.warn(
      `${name}: ${reason}: its measurement answers nothing, and is kept as one of a ${board.model}`,
      {
        deviceId,
      },
    );
    const isValid = update.state === 'succeeded';
    return {
      update: { ...update, state: 'failed', reason, measurement: null },
      ofAnother: isValid ? classed : null,
    };
  }

  async #apply(record: DeviceRecord, update: JobUpdateMessage, ofAnother: Measurement | null): Promise<void> {
    const { jobId, attempt, state, measurement } = update;
    const deviceId = record.id;
    this.#options.log.debug(`${record.name}: job ${jobId} ${state}`, { deviceId, jobId, attempt });
    const isAnswer = this.#options.tell(deviceId, update);
    const late = ofAnother ?? (state === 'succeeded' ? measurement : null);
    if (!late) return;
    if (isAnswer && !ofAnother) this.#delivered.add(runOf(update));
    else if (!this.#delivered.has(runOf(update))) await this.#keepLateResult(record, update, late);
  }

  /** Nothing that was measured is lost: a result that comes too late for its job still enriches the history. */
  async #keepLateResult(record: DeviceRecord, update: JobUpdateMessage, measurement: Measurement): Promise<void> {
    const { jobs, log, onMeasurement } = this.#options;
    const { jobId, attempt } = update;
    const job = jobs.get(jobId);
    const problem = job && (fenceProblem(job, record, update) ?? resultProblem(job, measurement));
    if (problem) {
      log.warn(`${record.name}: a late result of job ${jobId} was dropped: ${problem}`, { deviceId: record.id, jobId });
      return;
    }
    this.#delivered.add(runOf(update));
    await onMeasurement(storedAs(record, { id: jobId, attempt, studyId: job?.studyId ?? null }, measurement));
  }
}

/** The history has a run's result once, however often it is delivered: by the same id. */
export function storedAs(
  { id: deviceId, name: deviceName }: DeviceRecord,
  { id, attempt, studyId }: Pick<JobRecord, 'id' | 'attempt' | 'studyId'>,
  measurement: Measurement,
): StoredMeasurement {
  return { ...measurement, id: `m-${id}-${attempt}`, deviceId, deviceName, studyId };
}

function runOf({ jobId, attempt }: Pick<JobUpdateMessage, 'jobId' | 'attempt'>): string {
  return `${jobId}/${attempt}`;
}

/** Why this device cannot have run this job under this fence; null: it can. Of earlier attempts no token is kept. */
function fenceProblem(job: JobRecord, { id }: DeviceRecord, update: JobUpdateMessage): string | null {
  if (job.deviceId !== id) return 'the job is another device’s';
  if (update.attempt > job.attempt) return `attempt ${update.attempt} was never made`;
  const isForeign = update.attempt === job.attempt && update.leaseToken !== job.leaseToken;
  return isForeign ? 'its lease token is not the one of that attempt' : null;
}

/** An update that cannot be read, but says whose it is, ends its job: else that would be waited for in vain. */
function refusedUpdate(message: unknown, error: z.ZodError): JobUpdateMessage | null {
  const fence = fenceSchema.safeParse(message);
  if (!fence.success) return null;
  return {
    protocol: PROTOCOL_VERSION,
    updateId: 'unreadable',
    ...fence.data,
    state: 'failed',
    reason: `the agent's report could not be read (${mistakesInLine(error)}): is it of the same version as the coordinator?`,
    measurement: null,
    at: new Date().toISOString(),
  };
}
