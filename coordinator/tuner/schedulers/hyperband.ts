/**
 * Successive halving and Hyperband by whole rungs (Li et al., JMLR 2018): when every trial of a rung is told, the best
 * 1/η go on. A bracket starts at a place of the ladder; Hyperband goes through the places, successive halving always
 * starts at the lowest.
 */
import type { Observation } from '../observation.ts';
import { bracketSize } from './bracket-size.ts';
import { Rung } from './rung.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions, Situation, Step } from './scheduler.ts';

interface Bracket {
  start: number;
  size: number;
  started: number;
  rungs: Rung[];
  /** Per rung above the lowest: the trials that go there, settled once when the rung below is complete. */
  winners: (number[] | null)[];
}

export class HyperbandScheduler implements Scheduler {
  #options: SchedulerOptions;
  #starts: number;
  readonly #brackets: Bracket[] = [];
  readonly #bracketOf = new Map<number, Bracket>();

  /** `starts`: how many of the ladder's places brackets start at, from the lowest; 1: successive halving. */
  constructor(options: SchedulerOptions, starts: number) {
    this.#options = options;
    this.#starts = starts;
  }

  next({ canStart }: Situation): Step {
    let waiting = false;
    for (const bracket of this.#brackets) {
      const step = this.#nextIn(bracket, canStart);
      if (step && step.kind !== 'wait') return step;
      waiting ||= step !== null;
    }
    const mayOpen = canStart && !(waiting && this.#options.synchronous);
    return mayOpen ? { kind: 'start', bracket: this.#startOf(this.#brackets.length) } : { kind: 'wait' };
  }

  #startOf(bracketNumber: number): number {
    return bracketNumber % this.#starts;
  }

  /** The next step within a bracket; null where it is done. */
  #nextIn(bracket: Bracket, canStart: boolean): Step | null {
    if (bracket.started < bracket.size && canStart) return { kind: 'start', bracket: bracket.start };
    for (const [index, rung] of bracket.rungs.entries()) {
      if (rung.outstanding.size > 0) return { kind: 'wait' };
      const winners = this.#winnersOf(bracket, index + 1);
      // A study that has another device since may order those of before otherwise than when they were promoted.
      const next = rung.promoted < winners.length ? winners.find((trialId) => !rung.isPromoted(trialId)) : undefined;
      if (next !== undefined) return { kind: 'promote', trialId: next };
    }
    return null;
  }

  /** Which trials go to rung `index` of a bracket whose rung below is complete. */
  #winnersOf(bracket: Bracket, index: number): number[] {
    const below = bracket.rungs[index - 1] as Rung;
    if (index >= bracket.rungs.length || below.size === 0) return [];
    const settled = bracket.winners[index];
    if (settled) return settled;
    return below.winners(Math.max(below.firstEligible(), this.#quota(bracket, index)));
  }

  #quota(bracket: Bracket, index: number): number {
    const { costAware, reductionFactor } = this.#options;
    const below = bracket.rungs[index - 1] as Rung;
    const nominal = Math.floor(below.size / reductionFactor + 1e-9);
    if (!costAware) return nominal;
    const seen = this.#brackets.filter(({ start }) => start === bracket.start).map(({ rungs }) => rungs[index] as Rung);
    const [cost, count] = seen.reduce(([sum, n], rung) => [sum + rung.cost, n + rung.size], [0, 0]);
    return cost > 0 ? Math.min(Math.floor(below.size / 2), Math.floor(below.cost / (cost / count))) : nominal;
  }

  asked(trialId: number, rung: number, start: number) {
    if (rung === 0) this.#opened(start).rungs[0]?.outstanding.add(trialId);
    const bracket =
      rung === 0 ? (this.#brackets.findLast((open) => open.start === start) as Bracket) : this.#bracketWith(trialId);
    this.#bracketOf.set(trialId, bracket);
    if (rung === 0) bracket.started++;
    else {
      // Settled by the first promotion: what is amended later changes nothing here.
      bracket.winners[rung] ??= this.#winnersOf(bracket, rung);
      (bracket.rungs[rung - 1] as Rung).promote(trialId);
      (bracket.rungs[rung] as Rung).outstanding.add(trialId);
    }
  }

  /** The bracket that a new trial at this place belongs to: the last one there that has room, or a new one. */
  #opened(start: number): Bracket {
    const open = this.#brackets.findLast((bracket) => bracket.start === start);
    if (open && open.started < open.size) return open;
    const { levels, reductionFactor, objectives } = this.#options;
    const bracket: Bracket = {
      start,
      size: bracketSize(levels, start, reductionFactor),
      started: 0,
      rungs: Array.from({ length: levels - start }, () => new Rung(objectives)),
      winners: [],
    };
    this.#brackets.push(bracket);
    return bracket;
  }

  #bracketWith(trialId: number): Bracket {
    return this.#bracketOf.get(trialId) as Bracket;
  }

  told(observation: Observation, rung: number) {
    (this.#bracketWith(observation.trialId).rungs[rung] as Rung).told(observation);
  }

  amended(before: Observation, after: Observation, rung: number) {
    (this.#bracketWith(after.trialId).rungs[rung] as Rung).amended(before, after);
  }

  /** Brackets that were begun keep their sizes. */
  raise(levels: number) {
    if (this.#starts === this.#options.levels) this.#starts = levels;
    this.#options = { ...this.#options, levels };
    for (const { start, rungs } of this.#brackets)
      while (rungs.length < levels - start) rungs.push(new Rung(this.#options.objectives));
  }
}

export const hyperband: SchedulerKind = {
  name: 'hyperband',
  description: 'brackets of successive halving that start at every budget of the ladder (Li et al. 2018)',
  create: (options) => new HyperbandScheduler(options, options.levels),
  fillsRungs: true,
};

export const successiveHalving: SchedulerKind = {
  name: 'successive-halving',
  description: 'rungs by whole: when all trials of one are told, the best go on',
  create: (options) => new HyperbandScheduler(options, 1),
  fillsRungs: true,
};
