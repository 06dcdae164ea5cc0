/**
 * What the search takes for the metrics of devices that have not answered about a trial, so that the trial is neither
 * better nor worse for it. It is never shown, and gives way to what is measured.
 */
import { METRICS, type Objective } from '@edgetune/shared/domain/objective.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

/** What a device has said, by trial, and the same in order of size. */
interface Said {
  byTrial: Map<number, number>;
  sorted: number[];
}

export class StandIns {
  /** Names of device metrics that are compared, without the device. */
  readonly #names: readonly string[];
  readonly #devices: readonly string[];
  /** By `latency.p50@kitchen-pi`; there is none of a device of which nothing is known. */
  readonly #known = new Map<string, Said>();

  /** @param compared names of the metrics of objectives and targets, of devices and others */
  constructor(compared: readonly Objective['metric'][], devices: readonly string[]) {
    this.#names = [...new Set(compared.flatMap((metric) => METRICS[metric]?.ratio?.ofDevice ?? metric))].filter(
      (metric) => METRICS[metric]?.of === 'device',
    );
    this.#devices = devices;
  }

  /**
   * What was measured for a trial; it replaces what was before.
   * @returns whether something of a device of which nothing was known is known now
   */
  learn(trialId: number, measured: Metrics): boolean {
    let isNew = false;
    for (const key of this.#keys(this.#devices)) {
      const value = measured[key];
      if (value === undefined || !Number.isFinite(value)) continue;
      const said: Said = this.#known.get(key) ?? { byTrial: new Map(), sorted: [] };
      isNew ||= said.byTrial.size === 0;
      this.#known.set(key, said);
      takeOut(said, trialId);
      said.byTrial.set(trialId, value);
      const at = said.sorted.findIndex((other) => other >= value);
      said.sorted.splice(at < 0 ? said.sorted.length : at, 0, value);
    }
    return isNew;
  }

  /**
   * What counts no longer of a trial: another board has taken the device's place, or nobody wants its answers any more.
   * @param names of metrics; those that were predicted were never learned
   * @returns whether nothing is known now of a device of which something was
   */
  forget(trialId: number, names: readonly string[]): boolean {
    let isGone = false;
    for (const name of names) {
      const said = this.#known.get(name);
      if (!said?.byTrial.has(trialId)) continue;
      takeOut(said, trialId);
      if (said.byTrial.size > 0) continue;
      this.#known.delete(name);
      isGone = true;
    }
    return isGone;
  }

  /**
   * The metrics with a value for each that is missing of a pending device: the median of what it said of other trials; of
   * one that has said nothing yet, the mean of what the others say of this trial, which changes no aggregate of theirs.
   */
  filled(metrics: Metrics, pending: readonly string[]): Metrics {
    if (pending.length === 0) return metrics;
    const guesses = this.#names.flatMap((name) =>
      pending.flatMap((device) => {
        const key = `${name}@${device}`;
        return Object.hasOwn(metrics, key) ? [] : [[key, this.#median(key) ?? this.#ofOthers(metrics, name)] as const];
      }),
    );
    return { ...metrics, ...Object.fromEntries(guesses) };
  }

  #keys(devices: readonly string[]): string[] {
    return devices.flatMap((device) => this.#names.map((name) => `${name}@${device}`));
  }

  #median(key: string): number | undefined {
    const sorted = this.#known.get(key)?.sorted;
    return sorted?.[sorted.length >> 1];
  }

  /** Where nobody has answered, all trials are alike. */
  #ofOthers(metrics: Metrics, name: string): number {
    const values = this.#devices.flatMap((device) => metrics[`${name}@${device}`] ?? []);
    return values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;
  }
}

function takeOut({ byTrial, sorted }: Said, trialId: number): void {
  const before = byTrial.get(trialId);
  if (before === undefined) return;
  byTrial.delete(trialId);
  sorted.splice(sorted.indexOf(before), 1);
}
