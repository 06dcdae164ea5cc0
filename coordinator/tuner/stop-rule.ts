/** When to start and promote nothing more, besides the number of trials. */

import { violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import { isFeasible, type Observation } from './observation.ts';
import { Progress } from './progress.ts';
import type { Tell, TunerExtension } from './tuner.ts';

export type StopCriteria = Partial<Omit<StudySpec['stop'], 'trials'>>;

export class StopRule {
  #criteria: StopCriteria;
  #devices: readonly string[];
  #seconds = 0;
  #joules = 0;
  #targetReached = false;
  readonly #progress = new Progress();

  constructor(criteria: StopCriteria, devices: readonly string[]) {
    this.#criteria = criteria;
    this.#devices = devices;
  }

  get targetReached(): boolean {
    return this.#targetReached;
  }

  get reached(): boolean {
    const { timeS, energyJ, noImprovement } = this.#criteria;
    return (
      this.#targetReached ||
      (timeS !== undefined && this.#seconds >= timeS) ||
      (energyJ !== undefined && this.#joules >= energyJ) ||
      (noImprovement !== undefined && this.#progress.sinceImprovement >= noImprovement)
    );
  }

  told(observation: Observation, { cost }: Tell) {
    this.#seconds += booked(cost.seconds);
    this.#joules += booked(cost.joules);
    this.#progress.report(observation);
    this.#compare(observation);
  }

  /** More time or energy in all, of which what was used counts. */
  extend(more: NonNullable<TunerExtension['stop']>) {
    this.#criteria = { ...this.#criteria, ...more };
  }

  /** @param known what is known of each trial: without a device it may have reached the target */
  count(devices: readonly string[], known: readonly Observation[]) {
    this.#devices = devices;
    for (const observation of known) this.#compare(observation);
  }

  amended(observation: Observation) {
    this.#progress.learned(observation);
    this.#compare(observation);
  }

  #compare(observation: Observation) {
    if (!isFeasible(observation)) return;
    if (isTargetReached(this.#criteria.target ?? [], this.#devices, observation)) this.#targetReached = true;
  }
}

/** Whether what was measured reaches a target; false where there is none. */
export function isTargetReached(
  target: NonNullable<StopCriteria['target']>,
  devices: readonly string[],
  { metrics, predicted }: Pick<Observation, 'metrics' | 'predicted'>,
): boolean {
  const measured = Object.fromEntries(Object.entries(metrics).filter(([name]) => !predicted.includes(name)));
  return targetShortfall(target, devices, measured) === 0;
}

/**
 * Sum of the relative distances from a target; undefined where there is none, or a metric of it is missing.
 * @param devices those that count: what is wanted of others is not needed
 */
export function targetShortfall(
  target: NonNullable<StopCriteria['target']>,
  devices: readonly string[],
  metrics: Tell['metrics'],
): number | undefined {
  const counting = target.filter(({ device }) => device === undefined || devices.includes(device));
  if (counting.length === 0 || !hasAll(counting, devices, metrics)) return undefined;
  return violationOfMetrics(counting, devices, metrics);
}

/** True where every metric of the target is known: what is missing was not reached. */
function hasAll(
  target: NonNullable<StopCriteria['target']>,
  devices: readonly string[],
  metrics: Tell['metrics'],
): boolean {
  return target.every(({ metric, device }) =>
    Object.hasOwn(metrics, metric)
      ? true
      : devices.length > 0 &&
        (device === undefined ? devices : [device]).every((name) => Object.hasOwn(metrics, `${metric}@${name}`)),
  );
}

/** A cost that is missing or makes no sense counts nothing. */
export function booked(cost: number): number {
  return Number.isFinite(cost) ? Math.max(0, cost) : 0;
}
