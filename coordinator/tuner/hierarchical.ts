/**
 * The mode `hierarchical` in its two phases: the hyper-parameters for quality first, then, for the best of them, the
 * system parameters for the time that training takes: each assignment is trained to the lowest budget. (Its third
 * part, the inference parameters, is the study's: it asks the devices at the end.)
 */
import type { Plan } from './mode.ts';
import type { Ask, FrontEntry, Tell, Tuner } from './tuner.ts';

/** Assignments of the system parameters that phase two tries at most. */
const MOST_ASSIGNMENTS = 16;

export class HierarchicalTuner implements Tuner {
  readonly #plan: Plan;
  readonly #make: (plan: Plan) => Tuner;
  readonly #first: Tuner;
  #second: Tuner | null = null;
  /** Asks and trials so far, and of phase one. */
  #count = { asks: 0, trials: 0 };
  #ofFirst = { asks: 0, trials: 0 };

  constructor(plan: Plan, make: (plan: Plan) => Tuner) {
    this.#plan = plan;
    this.#make = make;
    this.#first = make(plan);
  }

  ask(...args: Parameters<Tuner['ask']>): Ask | null {
    this.#enterSecondPhase();
    const ask = this.#second ? this.#shifted(this.#second.ask(), 1) : this.#first.ask(...args);
    if (ask) this.#counted(ask);
    return ask;
  }

  #counted({ trialId }: Ask) {
    this.#count = { asks: this.#count.asks + 1, trials: Math.max(this.#count.trials, trialId + 1) };
  }

  #enterSecondPhase() {
    if (this.#second || !this.#first.isFinished()) return;
    const second = systemPlan(this.#plan, this.#first.front()[0]);
    if (!second) return;
    this.#ofFirst = this.#count;
    this.#second = this.#make(second);
  }

  /** Numbers of phase two follow those of phase one. */
  #shifted<T extends { trialId: number; ask?: number } | null>(of: T, direction: 1 | -1): T {
    const { asks, trials } = this.#ofFirst;
    if (!of) return of;
    const ask = of.ask === undefined ? {} : { ask: of.ask + direction * asks };
    return { ...of, ...ask, trialId: of.trialId + direction * trials };
  }

  tell(tell: Tell) {
    if (!this.#second || tell.trialId < this.#ofFirst.trials) return this.#first.tell(tell);
    this.#second.tell({
      ...this.#shifted(tell, -1),
      metrics: { trainingTime: tell.cost.seconds * 1000 },
      violation: 0,
    });
  }

  amend(change: Parameters<Tuner['amend']>[0]) {
    // What phase two optimises is never predicted.
    if (!this.#second || change.trialId < this.#ofFirst.trials) this.#first.amend(change);
  }

  count(devices: readonly string[]) {
    this.#first.count(devices);
  }

  extend() {
    throw new RangeError('a search in two phases cannot be extended: its second one builds on the first');
  }

  restore(history: Parameters<Tuner['restore']>[0]) {
    for (const entry of history) {
      if ('tell' in entry) this.tell(entry.tell);
      else if ('amend' in entry) this.amend(entry.amend);
      else if ('count' in entry) this.count(entry.count);
      else if ('extend' in entry) this.extend();
      else {
        this.#enterSecondPhase();
        if (this.#second) this.#second.restore([{ ask: this.#shifted(entry.ask, -1) }]);
        else this.#first.restore([entry]);
        this.#counted(entry.ask);
      }
    }
  }

  /** Asking it changes nothing: phase two begins with an ask, as in a replay. */
  isFinished(): boolean {
    if (this.#second) return this.#second.isFinished();
    return this.#first.isFinished() && systemPlan(this.#plan, this.#first.front()[0]) === null;
  }

  /** Only while phase one runs: the trials of phase two are needed all the same. */
  isTargetReached(): boolean {
    return this.#second === null && this.#first.isTargetReached();
  }

  /** The trials of phase one, with the fastest system parameters that phase two has found. */
  front(devices?: readonly string[]): FrontEntry[] {
    const fastest = this.#second?.front()[0]?.candidate;
    return this.#first.front(devices).map((entry) => {
      const system = this.#plan.systemParameters.map(({ name }) => [name, fastest?.[name] ?? entry.candidate[name]]);
      return { ...entry, candidate: { ...entry.candidate, ...Object.fromEntries(system) } };
    });
  }
}

/** Phase two: the system parameters are open, all others are as in the best trial; null where there is nothing to tune. */
function systemPlan({ problem, budgets, systemParameters }: Plan, best: FrontEntry | undefined): Plan | null {
  const lowest = budgets[0];
  if (!best || !lowest || systemParameters.every(({ type }) => type === 'constant')) return null;
  const fixed = problem.parameters
    .filter(({ level, name }) => level !== 'system' && best.candidate[name] !== undefined)
    .map(({ name, level }) => ({ name, level, type: 'constant' as const, value: best.candidate[name] ?? 0 }));
  return {
    problem: {
      ...problem,
      parameters: [...fixed, ...systemParameters],
      objectives: [{ metric: 'trainingTime', direction: 'minimize', aggregate: 'worst' }],
      prefer: undefined,
      settings: { ...problem.settings, sampler: 'grid', scheduler: 'none', initialCandidates: [] },
      maxTrials: MOST_ASSIGNMENTS,
      stop: {},
      earlier: [],
    },
    budgets: [lowest],
    systemParameters: [],
  };
}
