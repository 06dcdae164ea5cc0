/**
 * Asynchronous successive halving by promotion (Li et al., "A System for Massively Parallel Hyperparameter Tuning",
 * MLSys 2020): whenever a trial is among the best 1/η of what its rung has seen, it may go on at once — as long as no
 * more than 1/η have gone on (delayed promotion: Li et al., "Hyper-Tune", VLDB 2022), for the best of a few are many.
 * New trials skip a budget as often as its order of trials is likely to say nothing about their order at the next.
 */
import type { Observation } from '../observation.ts';
import { Agreement } from './agreement.ts';
import { HyperbandScheduler } from './hyperband.ts';
import { Rung } from './rung.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions, Situation, Step } from './scheduler.ts';

export class AshaScheduler implements Scheduler {
  /** By place of the ladder: what trials that started there or below have reached. */
  readonly #rungs: Rung[];
  /** By place: how far its order of trials agrees with that of the place above. */
  readonly #agreements: Agreement[];
  /** By place: the share of a trial that is still to be passed on (less than 1). */
  readonly #passed: number[] = [];
  #options: SchedulerOptions;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#rungs = Array.from({ length: options.levels }, () => new Rung(options.objectives));
    this.#agreements = Array.from({ length: options.levels - 1 }, () => new Agreement());
  }

  next({ canStart, outstanding }: Situation): Step {
    const trialId = this.#promotable(!canStart && outstanding === 0);
    if (trialId !== null) return { kind: 'promote', trialId };
    return canStart ? { kind: 'start', bracket: this.#place() } : { kind: 'wait' };
  }

  /** Where the next trial starts: each place passes on the share of them that its doubt says. */
  #place(): number {
    const place = this.#agreements.findIndex(({ doubt }, at) => (this.#passed[at] ?? 0) + doubt < 1);
    return place < 0 ? this.#options.levels - 1 : place;
  }

  /** From the highest rung down. When nothing can be started any more, one trial at least goes on from each rung. */
  #promotable(closing: boolean): number | null {
    for (let index = this.#rungs.length - 2; index >= 0; index--) {
      const rung = this.#rungs[index] as Rung;
      const least = closing && rung.promoted === 0 ? rung.firstEligible() : 0;
      const quota = Math.max(least, this.#quota(rung, this.#rungs[index + 1] as Rung));
      const trialId = rung.promoted < quota ? rung.promotable(quota) : null;
      if (trialId !== null) return trialId;
    }
    return null;
  }

  /** How many of a rung may go on: 1/η of them, or as many as make the rung above cost as much as this one. */
  #quota(rung: Rung, above: Rung): number {
    const { costAware, reductionFactor } = this.#options;
    if (!costAware || above.cost === 0) return Math.floor(rung.size / reductionFactor + 1e-9);
    return Math.min(Math.floor(rung.size / 2), Math.floor(rung.cost / (above.cost / above.size)));
  }

  asked(trialId: number, rung: number, bracket: number) {
    const level = bracket + rung;
    if (rung === 0) this.#started(bracket);
    if (rung > 0) this.#rungs[level - 1]?.promote(trialId);
    this.#rungs[level]?.outstanding.add(trialId);
  }

  #started(place: number) {
    for (const [at, { doubt }] of this.#agreements.slice(0, place + 1).entries())
      this.#passed[at] = (this.#passed[at] ?? 0) + doubt - (at < place ? 1 : 0);
  }

  told(observation: Observation) {
    const { level } = observation;
    this.#rungs[level]?.told(observation);
    this.#agreements[level - 1]?.toldAbove(observation);
    this.#agreements[level]?.toldBelow(observation);
  }

  amended(before: Observation, after: Observation) {
    this.#rungs[after.level]?.amended(before, after);
    this.#agreements[after.level - 1]?.toldAbove(after);
    this.#agreements[after.level]?.toldBelow(after);
  }

  raise(levels: number) {
    while (this.#rungs.length < levels) {
      this.#rungs.push(new Rung(this.#options.objectives));
      this.#agreements.push(new Agreement());
    }
    this.#options = { ...this.#options, levels };
  }
}

export const asha: SchedulerKind = {
  name: 'asha',
  description: 'asynchronous successive halving (Li et al. 2020); by whole rungs where the study is deterministic',
  create: (options) => (options.synchronous ? new HyperbandScheduler(options, 1) : new AshaScheduler(options)),
};
