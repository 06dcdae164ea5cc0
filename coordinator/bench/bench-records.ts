/** The benches of before and now: written as they go, summed up for the list, the oldest forgotten. */

import type { Logger } from '@edgetune/shared/log/logger.ts';
import type { BenchDevice, BenchSummary, BenchView } from '@edgetune/shared/protocol/bench.ts';
import { unlessAborted } from '../lifecycle/aborted.ts';
import type { BenchRecord, BenchRepository } from './bench-repository.ts';

export interface BenchRecordsOptions {
  benches: BenchRepository;
  log: Logger;
  /** Aborted when the coordinator ends: then nobody waits any longer for what the store writes when it closes. */
  ending: AbortSignal;
  /** Calls back after so many milliseconds. */
  after?: (ms: number, callback: () => void) => void;
}

/** A record holds all of its measurements: writing a long one with each of them would cost their square. */
const SMALL_RECORD = 50;
const SAVE_INTERVAL_MS = 1000;
/** How long an end that could not be written waits to be written again. */
const WRITE_AGAIN_MS = 10_000;
/** Ended benches that are kept, with their models; the measurements of older ones stay in the history. */
const KEPT_BENCHES = 100;

export class BenchRecords {
  readonly #options: Required<BenchRecordsOptions>;
  /** Oldest first. The list is read again and again, and the benches themselves are long. */
  readonly #summaries: Map<string, BenchSummary>;
  /** When each was last written, by `performance.now`. */
  readonly #savedAtMs = new Map<string, number>();
  /** Those that have ended, which could not be written yet. */
  readonly #unwritten = new Map<string, BenchRecord>();

  constructor(options: BenchRecordsOptions) {
    this.#options = { after: (ms, callback) => void setTimeout(callback, ms).unref(), ...options };
    const newestFirst = options.benches.list();
    this.#summaries = new Map(newestFirst.reverse().map(({ view }) => [view.id, summaryOf(view)]));
  }

  /** Newest first. */
  list(): BenchSummary[] {
    return [...this.#summaries.values()].reverse();
  }

  find(id: string): BenchRecord | null {
    return this.#unwritten.get(id) ?? this.#options.benches.get(id);
  }

  /** Those that were not at their end when they were last written. Newest first. */
  unfinished(): BenchRecord[] {
    return this.#options.benches.list().filter(({ view }) => view.state === 'running');
  }

  /** Of a bench that begins: the list has it once it is written. @throws the ending's reason, at once when it ends */
  async add(record: BenchRecord): Promise<void> {
    const { benches, ending } = this.#options;
    const added = benches.add(record);
    await unlessAborted(added, ending).catch((error) => {
      // Whoever asked is told that it was not begun: it does not begin at the next start either.
      if (ending.aborted) added.then(() => benches.remove(record.view.id)).catch(() => {});
      throw error;
    });
    this.#summaries.set(record.view.id, summaryOf(record.view));
    this.#savedAtMs.set(record.view.id, performance.now());
  }

  /** Resolves when it is written. @throws the ending's reason, at once when the coordinator ends */
  save(record: BenchRecord): Promise<void> {
    const { benches, ending } = this.#options;
    this.#summaries.set(record.view.id, summaryOf(record.view));
    this.#savedAtMs.set(record.view.id, performance.now());
    return unlessAborted(benches.save(record), ending);
  }

  /** The same, but a long record that was written a moment ago is left to the next measurement or to the end. */
  async saveNowAndThen(record: BenchRecord): Promise<void> {
    const { id } = record.view;
    const isSmall = measurementsIn(record) <= SMALL_RECORD;
    if (isSmall || performance.now() - (this.#savedAtMs.get(id) ?? -Infinity) >= SAVE_INTERVAL_MS)
      return this.save(record);
    this.#summaries.set(id, summaryOf(record.view));
  }

  /** Of a bench that has ended: what cannot be written is shown all the same, and written as soon as it can be. */
  async saveEnd(record: BenchRecord): Promise<void> {
    const { log, ending, after } = this.#options;
    const { id, modelName } = record.view;
    try {
      await this.save(record);
      this.#unwritten.delete(id);
      this.#savedAtMs.delete(id);
    } catch (error) {
      if (ending.aborted) return;
      if (!this.#unwritten.has(id))
        log.error(`the end of the bench of ${modelName} is not written yet, and tried again`, { error, benchId: id });
      this.#unwritten.set(id, record);
      after(WRITE_AGAIN_MS, () => {
        if (this.#unwritten.get(id) === record && !ending.aborted) void this.saveEnd(record);
      });
    }
  }

  async remove(id: string): Promise<void> {
    this.#unwritten.delete(id);
    await this.#options.benches.remove(id);
    // Its end may have been on its way to the store, and not have got there.
    this.#unwritten.delete(id);
    this.#summaries.delete(id);
    this.#savedAtMs.delete(id);
  }

  /** Removes all but the newest, and those that run. */
  forgetOldest(isRunning: (id: string) => boolean): void {
    for (const id of [...this.#summaries.keys()].reverse().slice(KEPT_BENCHES))
      if (!isRunning(id))
        this.remove(id).catch((error) => this.#options.log.warn('an old bench could not be removed', { error }));
  }
}

function summaryOf({ devices, ...view }: BenchView): BenchSummary {
  const { id, state, modelName, scenario, startedAt, finishedAt } = view;
  return {
    id,
    state,
    modelName,
    scenario,
    startedAt,
    finishedAt,
    devices: devices.map(({ device, simulated, state, feasible }) => ({ device, simulated, state, feasible })),
    measurements: countMeasurements(devices),
  };
}

function measurementsIn({ view }: BenchRecord): number {
  return countMeasurements(view.devices);
}

function countMeasurements(devices: readonly BenchDevice[]): number {
  return devices.reduce((sum, { measurements }) => sum + measurements.length, 0);
}
