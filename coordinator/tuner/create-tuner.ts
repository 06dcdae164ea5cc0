/** The tuner: puts together a sampler, which proposes, and a scheduler, which decides what to spend. */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { EarlierTrial } from '@edgetune/shared/domain/earlier.ts';
import { lossesOf, type ObjectiveTerm, objectiveTerms } from '@edgetune/shared/domain/objective-terms.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { keyedRandom, type Random } from '@edgetune/shared/math/random.ts';
import { frontOf } from './front.ts';
import { HierarchicalTuner } from './hierarchical.ts';
import { type Plan, planOf } from './mode.ts';
import type { Observation } from './observation.ts';
import type { Step } from './schedulers/scheduler.ts';
import { Search } from './search.ts';
import { Space } from './space.ts';
import { StandIns } from './stand-ins.ts';
import { StopRule, targetShortfall } from './stop-rule.ts';
import type { Amendment, Ask, Feasibility, FrontEntry, Tell, Tuner, TunerExtension, TunerProblem } from './tuner.ts';
import { TUNER_PARTS, type TunerParts } from './tuner-parts.ts';
import { TunerProblemError, validateProblem } from './validate-problem.ts';

/**
 * Makes a tuner.
 * @param parts the samplers and schedulers that the problem may name
 * @throws {TunerProblemError} listing every mistake in the problem.
 */
export function createTuner(problem: TunerProblem, parts: TunerParts = TUNER_PARTS): Tuner {
  const issues = validateProblem(problem, parts);
  if (issues.length > 0) throw new TunerProblemError(issues);
  const plan = planOf(problem);
  const make = (of: Plan) => new AskTellTuner(of, parts);
  return problem.settings.mode === 'hierarchical' ? new HierarchicalTuner(plan, make) : make(plan);
}

interface Trial {
  candidate: Candidate;
  /** The search that it belongs to. */
  search: Search;
  point: readonly number[];
  bracket: number;
  /** The rung that was asked and is not told; −1 for none. */
  outstandingRung: number;
  /** By rung: what was told. */
  told: Observation[];
}

/** Candidates drawn for one ask before the space is taken to hold no other: then what is left is enumerated. */
const MOST_DUPLICATES = 64;
/** Random candidates drawn for one ask where the space is too large to enumerate, before it is gone through in order. */
const MOST_DRAWN = 200;
/** Candidates compared by predicted feasibility for one ask. */
const MOST_INFEASIBLE = 24;

class AskTellTuner implements Tuner {
  #problem: TunerProblem;
  readonly #parts: TunerParts;
  readonly #space: Space;
  /** What the search optimises: the objectives, or in mode `onefold` the distance from a target while there is one. */
  readonly #terms: ObjectiveTerm[];
  #budgets: readonly Budget[];
  #search: Search;
  readonly #stop: StopRule;
  readonly #standIns: StandIns;
  readonly #initial: Candidate[];
  readonly #trials = new Map<number, Trial>();
  readonly #tried = new Set<number>();
  /** Earlier trials of which devices are pending. */
  readonly #recalled: { observation: Observation; search: Search }[] = [];
  #asks = 0;
  #outstanding = 0;
  /** What all searches have seen. */
  #observed = 0;

  constructor({ problem, budgets }: Plan, parts: TunerParts) {
    this.#problem = problem;
    this.#parts = parts;
    this.#space = new Space(problem.parameters);
    const goals = objectiveTerms(problem.objectives, problem.devices);
    this.#terms = problem.settings.mode === 'onefold' ? (targetTerm(problem) ?? goals) : goals;
    const compared = [...problem.objectives, ...(problem.stop?.target ?? [])].map(({ metric }) => metric);
    this.#standIns = new StandIns(compared, problem.devices);
    this.#budgets = budgets;
    this.#search = this.#newSearch();
    this.#stop = new StopRule(problem.stop ?? {}, problem.devices);
    this.#initial = initialCandidates(problem, this.#space);
    for (const [index, earlier] of (problem.earlier ?? []).entries()) this.#recall(-1 - index, earlier);
  }

  ask(feasibility?: Feasibility): Ask | null {
    const step = this.#nextStep();
    if (step.kind === 'wait') return null;
    const ask = step.kind === 'promote' ? this.#promotion(step.trialId) : this.#newTrial(step.bracket, feasibility);
    this.#asked(ask);
    return ask;
  }

  /** An earlier trial becomes an observation at the highest level that its budget reached; below the lowest it says nothing. */
  #recall(trialId: number, { candidate, budget, metrics, pending = [], violation }: EarlierTrial) {
    const level = this.#budgets.findLastIndex(({ epochs }) => epochs <= budget.epochs);
    const losses = lossesOf(this.#terms, this.#standIns.filled(metrics, pending));
    // Of what cannot work more need not be known.
    if (level < 0 || !(violation >= 0) || (losses === null && violation === 0)) return;
    this.#observed++;
    const observation: Observation = {
      ...{ trialId, level, point: this.#space.pointOf(candidate), losses: losses ?? [], violation, metrics, pending },
      ...{ predicted: [], status: losses === null ? 'infeasible' : 'ok', cost: 0, seconds: Number.NaN },
    };
    this.#search.history.add(observation);
    if (pending.length > 0) this.#recalled.push({ observation, search: this.#search });
  }

  /** Of what is pending in earlier trials other stand-ins are known now. */
  #recallAgain() {
    for (const recalled of this.#recalled) {
      const { observation: before, search } = recalled;
      const losses = lossesOf(this.#terms, this.#standIns.filled(before.metrics, before.pending));
      if (losses === null) continue;
      recalled.observation = { ...before, losses };
      search.history.replace(before, recalled.observation);
    }
  }

  #newSearch(): Search {
    return new Search(this.#problem, this.#parts, this.#budgets.length, this.#terms.length);
  }

  /** Trials that may still be started. */
  get #left(): number {
    return Math.min(this.#problem.maxTrials - this.#trials.size, this.#space.size - this.#tried.size);
  }

  #nextStep(): Step {
    if (this.#stop.reached) return { kind: 'wait' };
    return this.#search.next({ canStart: this.#left > 0, outstanding: this.#outstanding });
  }

  #promotion(trialId: number): Ask {
    const { candidate, bracket, told } = this.#trials.get(trialId) as Trial;
    return {
      ask: this.#asks,
      trialId,
      rung: told.length,
      bracket,
      candidate: { ...candidate },
      budget: { ...(this.#budgets[bracket + told.length] as Ask['budget']) },
      proposedBy: 'promotion',
    };
  }

  #newTrial(bracket: number, feasibility: Feasibility | undefined): Ask {
    const { candidate, by } = this.#propose(bracket, feasibility);
    return {
      ask: this.#asks,
      trialId: this.#trials.size,
      rung: 0,
      bracket,
      candidate,
      budget: { ...(this.#budgets[bracket] as Ask['budget']) },
      proposedBy: by,
    };
  }

  #propose(level: number, feasibility: Feasibility | undefined): { candidate: Candidate; by: string } {
    const random = keyedRandom(this.#problem.settings.seed, this.#asks);
    const initial = this.#initial.find((candidate) => !this.#tried.has(this.#space.keyOf(candidate)));
    if (initial) return { candidate: initial, by: 'initial' };
    let [best, least]: [{ candidate: Candidate; by: string } | null, number] = [null, Infinity];
    const drawn = new Set<number>();
    for (let attempt = 0; attempt < MOST_DUPLICATES && drawn.size < MOST_INFEASIBLE; attempt++) {
      const view = {
        space: this.#space,
        history: this.#search.history,
        started: this.#trials.size,
        observed: this.#observed,
        attempt,
        level,
      };
      const { point, by } = this.#search.propose(view, random);
      const candidate = this.#space.candidateAt(point);
      const key = this.#space.keyOf(candidate);
      if (this.#tried.has(key) || drawn.has(key)) continue;
      drawn.add(key);
      // What is not known may be feasible.
      const violation = feasibility?.predictViolation(candidate) ?? 0;
      if (violation <= 0) return { candidate, by };
      if (best === null || violation < least) [best, least] = [{ candidate, by }, violation];
    }
    return best ?? { candidate: this.#untried(random), by: 'enumeration' };
  }

  /** A candidate that was not tried: one exists, or nothing would be started. */
  #untried(random: Random): Candidate {
    if (Number.isFinite(this.#space.size)) {
      const left = [...this.#space.candidates()].filter((candidate) => !this.#tried.has(this.#space.keyOf(candidate)));
      return left[random.below(left.length)] as Candidate;
    }
    for (let drawn = 0; drawn < MOST_DRAWN; drawn++) {
      const candidate = this.#space.candidateAt(this.#space.randomPoint(random));
      if (!this.#tried.has(this.#space.keyOf(candidate))) return candidate;
    }
    // Conditions may hide most of a space from whoever draws: this finds one after as many as were tried.
    for (const candidate of this.#space.candidates())
      if (!this.#tried.has(this.#space.keyOf(candidate))) return candidate;
    throw new RangeError('every candidate of the space was tried');
  }

  /** Books an ask, new or replayed. */
  #asked({ ask, trialId, rung, bracket, candidate }: Ask) {
    if (ask !== this.#asks) throw new RangeError(`ask ${ask} is out of order: the next is number ${this.#asks}`);
    let trial = this.#trials.get(trialId);
    if (rung === 0) {
      if (trial) throw new RangeError(`trial ${trialId} was started twice`);
      const point = this.#space.pointOf(candidate);
      trial = { candidate: { ...candidate }, search: this.#search, point, bracket, outstandingRung: -1, told: [] };
      this.#trials.set(trialId, trial);
      this.#tried.add(this.#space.keyOf(candidate));
    }
    if (!trial || trial.told.length !== rung || trial.outstandingRung >= 0)
      throw new RangeError(`ask ${ask}: trial ${trialId} cannot be asked for rung ${rung} now`);
    trial.outstandingRung = rung;
    this.#asks++;
    this.#outstanding++;
    trial.search.asked(trialId, rung, bracket, trial.point);
  }

  tell(tell: Tell) {
    const { trialId, rung, cost } = tell;
    const trial = this.#trials.get(trialId);
    if (!trial || trial.outstandingRung !== rung)
      throw new RangeError(`trial ${trialId}, rung ${rung} was not asked, or was told already`);
    this.#learn(tell);
    const observation = this.#observe(trial, tell, { cost: this.#costOf(cost), seconds: cost.seconds });
    trial.outstandingRung = -1;
    // An array that is pushed to keeps room for seventeen.
    trial.told = [...trial.told, observation];
    this.#outstanding--;
    this.#stop.told(observation, tell);
    trial.search.told(observation, rung);
    this.#observed++;
    this.#beginAnewWhereStuck();
  }

  #beginAnewWhereStuck() {
    // Another one needs so many trials until one of them is trained to the end.
    const needed = this.#problem.ladder.reductionFactor ** (this.#budgets.length - 1);
    if (this.#search.isStuck && this.#left >= needed) this.#search = this.#newSearch();
  }

  count(devices: readonly string[]) {
    this.#stop.count(devices, this.#known());
  }

  extend({ maxTrials, ladder, stop = {} }: TunerExtension) {
    if (maxTrials !== undefined && !(maxTrials > this.#problem.maxTrials))
      throw new RangeError(`it may start ${this.#problem.maxTrials} trials already: name more, not ${maxTrials}`);
    this.#problem = { ...this.#problem, maxTrials: maxTrials ?? this.#problem.maxTrials };
    if (ladder) this.#raise(ladder);
    this.#stop.extend(stop);
    this.#beginAnewWhereStuck();
  }

  #raise(ladder: TunerProblem['ladder']) {
    const { budgets } = planOf({ ...this.#problem, ladder });
    const isSame = ({ epochs, dataFraction }: Budget, at: number) =>
      epochs === budgets[at]?.epochs && dataFraction === budgets[at]?.dataFraction;
    if (!this.#budgets.every(isSame)) throw new RangeError('the rungs of before are not the lowest of the new ladder');
    this.#problem = { ...this.#problem, ladder };
    this.#budgets = budgets;
    const begun = [...this.#trials].map(([trialId, trial]) => ({ trialId, ...trial }));
    this.#search.raise(
      budgets.length,
      begun.filter(({ search }) => search === this.#search),
    );
  }

  amend({ trialId, rung, metrics, violation, undecided = [], withdrawn = [] }: Amendment) {
    const trial = this.#trials.get(trialId);
    const before = trial?.told[rung];
    if (!trial || !before)
      throw new RangeError(`trial ${trialId}, rung ${rung} was not told yet: there is nothing to amend`);
    if (this.#standIns.forget(trialId, withdrawn)) this.#standInsChanged();
    this.#learn({ trialId, metrics });
    const isKept = (name: string) => !withdrawn.includes(name);
    const kept = Object.entries(before.metrics).filter(([name]) => isKept(name));
    const silent = withdrawn.flatMap((name) => name.split('@')[1] ?? []);
    this.#observeAgain(trial, rung, {
      metrics: { ...Object.fromEntries(kept), ...metrics },
      predicted: before.predicted.filter((name) => !Object.hasOwn(metrics, name) && isKept(name)),
      violation,
      undecided,
      pending: [...new Set([...before.pending, ...silent])],
    });
  }

  /** Stand-ins that were made of other devices give way to a device's own first values. */
  #learn({ trialId, metrics, predicted = [] }: Pick<Tell, 'trialId' | 'metrics' | 'predicted'>) {
    const measured = Object.fromEntries(Object.entries(metrics).filter(([name]) => !predicted.includes(name)));
    if (this.#standIns.learn(trialId, measured)) this.#standInsChanged();
  }

  #standInsChanged() {
    this.#recallAgain();
    for (const trial of this.#trials.values())
      for (const [rung, before] of trial.told.entries())
        if (before.pending.length > 0) this.#observeAgain(trial, rung, before);
  }

  #observeAgain(
    trial: Trial,
    rung: number,
    change: Pick<Observation, 'metrics' | 'predicted' | 'violation' | 'pending' | 'undecided'>,
  ) {
    const before = trial.told[rung] as Observation;
    const { trialId, status, crashed = false } = before;
    const after = this.#observe(trial, { trialId, rung, status, crashed, ...change }, before);
    trial.told[rung] = after;
    trial.search.amended(before, after, rung);
    this.#stop.amended(after);
  }

  /** What a tell means for comparisons: a failed trial, or one without usable objectives, violates without bound. */
  #observe(
    { point, bracket }: Trial,
    {
      trialId,
      rung,
      status,
      crashed = false,
      metrics,
      predicted = [],
      pending = [],
      undecided = [],
      violation,
    }: Omit<Tell, 'cost'>,
    { cost, seconds }: Pick<Observation, 'cost' | 'seconds'>,
  ): Observation {
    const isUsable = status !== 'failed' && status !== 'stopped';
    const losses = isUsable ? lossesOf(this.#terms, this.#standIns.filled(metrics, pending)) : null;
    const known = violation >= 0 ? violation : Infinity;
    const excess = status === 'infeasible' ? Math.max(known, Number.MIN_VALUE) : losses === null ? Infinity : known;
    const level = bracket + rung;
    return {
      trialId,
      level,
      point,
      losses: losses ?? [],
      violation: excess,
      metrics,
      pending,
      predicted,
      status,
      ...(undecided.length > 0 ? { undecided } : {}),
      ...(crashed ? { crashed } : {}),
      cost,
      seconds,
    };
  }

  /** What sizes the rungs; a cost that makes no sense counts nothing. */
  #costOf(cost: Tell['cost']): number {
    const unit = this.#problem.settings.rungSizing ?? 'nominal';
    if (unit === 'nominal') return 1;
    return Number.isFinite(cost[unit]) ? Math.max(0, cost[unit]) : 0;
  }

  restore(history: Parameters<Tuner['restore']>[0]) {
    for (const entry of history) {
      if ('ask' in entry) this.#asked(entry.ask);
      else if ('tell' in entry) this.tell(entry.tell);
      else if ('amend' in entry) this.amend(entry.amend);
      else if ('count' in entry) this.count(entry.count);
      else this.extend(entry.extend);
    }
  }

  isFinished(): boolean {
    return this.#outstanding === 0 && this.#nextStep().kind === 'wait';
  }

  isTargetReached(): boolean {
    return this.#stop.targetReached;
  }

  front(devices: readonly string[] = this.#problem.devices): FrontEntry[] {
    const contenders = frontOf({ ...this.#problem, devices }, this.#known())
      .map((entry) => ({ item: entry, violation: 0, metrics: entry.trial.metrics }))
      .sort((a, b) => a.item.trial.trialId - b.item.trial.trialId);
    return createPreference({ ...this.#problem, devices })
      .rank(contenders)
      .map(({ trial: { trialId, level, metrics, predicted }, values }) => {
        const { candidate, bracket } = this.#trials.get(trialId) as Trial;
        return {
          trialId,
          rung: level - bracket,
          candidate: { ...candidate },
          metrics: { ...metrics },
          predicted,
          values,
        };
      });
  }

  /** Each trial at the highest rung that says something of it: what devices refuse while it is trained on was promoted in vain. */
  #known(): Observation[] {
    return [...this.#trials.values()].flatMap(({ told }) =>
      told.filter(({ status }) => status === 'ok' || status === 'infeasible').slice(-1),
    );
  }
}

/** The distance from the study's target as the one thing to minimise; null where the study has none. */
function targetTerm({ stop, devices }: TunerProblem): ObjectiveTerm[] | null {
  const target = stop?.target ?? [];
  if (target.length === 0) return null;
  return [
    {
      name: 'distance from the target',
      metric: 'distance from the target',
      direction: 'minimize',
      objective: 0,
      valueOf: (metrics) => targetShortfall(target, devices, metrics),
    },
  ];
}

/** The candidates to start with, completed: those of the settings, then the one of the parameters' own initial values. */
function initialCandidates({ parameters, settings }: TunerProblem, space: Space): Candidate[] {
  const own: Candidate = {};
  for (const parameter of parameters)
    if (parameter.type !== 'constant' && parameter.initial !== undefined) own[parameter.name] = parameter.initial;
  const partial = [...settings.initialCandidates, ...(Object.keys(own).length > 0 ? [own] : [])];
  return partial.map((values, index) => {
    const point = space.randomPoint(keyedRandom(settings.seed, -1 - index));
    for (const [at, dimension] of space.dimensions.entries()) {
      const value = values[dimension.name] ?? own[dimension.name];
      if (value !== undefined) point[at] = dimension.coordinateOf(value);
    }
    return space.candidateAt(point);
  });
}
