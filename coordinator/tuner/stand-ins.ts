/**
 * What the search takes for the metrics of devices that have not answered about a trial, so that the trial is neither
 * better nor worse for it. It is never shown, and gives way to what is measured.
 */
import { METRICS, type Objective } from '@edgetune/shared/domain/objective.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

export class StandIns {
  /** Names of device metrics that are compared, without the device. */
  readonly #names: readonly string[];
  readonly #devices: readonly string[];
  /** Values that were told, by `latency.p50@kitchen-pi`, in order of size. */
  readonly #known = new Map<string, number[]>();

  /** @param compared names of the metrics of objectives and targets, of devices and others */
  constructor(compared: readonly Objective['metric'][], devices: readonly string[]) {
    this.#names = [...new Set(compared.flatMap((metric) => METRICS[metric]?.ratio?.ofDevice ?? metric))].filter(
      (metric) => METRICS[metric]?.of === 'device',
    );
    this.#devices = devices;
  }

  /** @returns whether something of a device of which nothing was known is known now */
  learn(metrics: Metrics): boolean {
    let isNew = false;
    for (const key of this.#keys(this.#devices)) {
      const value = metrics[key];
      if (value === undefined || !Number.isFinite(value)) continue;
      const values = this.#known.get(key) ?? [];
      isNew ||= values.length === 0;
      const at = values.findIndex((other) => other >= value);
      values.splice(at < 0 ? values.length : at, 0, value);
      this.#known.set(key, values);
    }
    return isNew;
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
    const values = this.#known.get(key);
    return values?.[values.length >> 1];
  }

  /** Where nobody has answered, all trials are alike. */
  #ofOthers(metrics: Metrics, name: string): number {
    const values = this.#devices.flatMap((device) => metrics[`${name}@${device}`] ?? []);
    return values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;
  }
}
