/**
 * Bayesian optimisation for the first few hundred observations, where every trial counts and a decision may take some
 * milliseconds. Gaussian processes over all levels of the ladder (the level is one more coordinate) predict each
 * objective at the full budget. One objective: expected improvement (Jones et al. 1998). Several: the hypervolume
 * gained by an optimistic outcome (SMS-EGO, Ponweiser et al. 2008). Both weighted by the probability of feasibility,
 * from a process of the violation; and, where time is what the study runs out of, divided by the time that a trial is
 * predicted to take (Snoek et al., "Practical Bayesian optimization", NeurIPS 2012).
 */

import type { Random } from '@edgetune/shared/math/random.ts';
import type { History } from '../../history.ts';
import type { Observation } from '../../observation.ts';
import type { Space, SpacePoint } from '../../space.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { type Acquisition, expectedImprovement, feasibilityOf, hypervolumeGain } from './acquisition.ts';
import { FittedScales } from './fitted-scales.ts';
import { GaussianProcess, pointSet } from './gaussian-process.ts';
import { logPrices } from './log-prices.ts';
import { STARTUP, standardised, standardisedViolations } from './standardise.ts';

/**
 * How much is computed for a decision: enough for its dimensions, and not so much that a program that asks without
 * pause would wait for it.
 */
function effortFor(dimensions: number, observations: number) {
  // With more observations searches get shorter: each decision counts for less and costs more.
  const share = Math.max(0.35, Math.min(1, (40 + 10 * dimensions) / observations));
  const searched = share * Math.min(150, 80 + 4 * dimensions);
  return {
    /** Observations in the model at most. */
    modelled: Math.min(120, 60 + 4 * dimensions),
    /** Points compared over the whole space and around good points. */
    spread: Math.ceil(searched),
    /** Steps that each of the best of them is moved by. */
    refinements: Math.ceil(searched / LEADERS),
  };
}

/** Points from which the search is refined. */
const LEADERS = 3;

/** Observations of each level among which the best predicted is looked for. */
const INCUMBENTS = 8;

interface Model {
  revision: number;
  level: number;
  acquisition: Acquisition;
  /** Good points, to search around. */
  best: readonly SpacePoint[];
}

export class BayesianSampler implements Sampler {
  readonly #startup: Sampler;
  readonly #weighsTime: boolean;
  #model: Model | null = null;
  readonly #scales = new FittedScales();

  /** @param weighsTime prefers what is good for the time that it takes */
  constructor(startup: Sampler, weighsTime: boolean) {
    this.#startup = startup;
    this.#weighsTime = weighsTime;
  }

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history, observed, attempt } = view;
    const enough = history.size >= STARTUP && history.levels.some((level) => level.feasibleSize >= 2);
    if (!enough || attempt >= 8) return this.#startup.propose(view, random);
    if (this.#model?.revision !== history.revision || this.#model.level !== view.level)
      this.#model = modelOf(space, history, view.level, { fitted: this.#scales, weighsTime: this.#weighsTime, random });
    const point = searched(space, this.#model, effortFor(space.dimensions.length, observed), random);
    // The best was tried already: something near it, ever less near.
    return { point: attempt === 0 ? point : changed(space, point, 0.02 * attempt, random), by: 'bayesian' };
  }
}

interface Found {
  point: number[];
  value: number;
}

/** Looks for the largest acquisition: spread points, then ever smaller changes of good points. */
function searched(
  space: Space,
  { acquisition, best }: Model,
  { spread, refinements }: ReturnType<typeof effortFor>,
  random: Random,
): number[] {
  const leaders: Found[] = [];
  for (let i = 0; i < spread; i++) {
    const center = best[i % (2 * best.length)];
    const point = center
      ? changed(space, center, 0.3 * 10 ** (-2 * random.uniform()), random)
      : space.randomPoint(random);
    const value = acquisition(space.snapped(point), leaders[LEADERS - 1]?.value ?? -Infinity);
    const place = leaders.findIndex((leader) => value > leader.value);
    if (place >= 0) leaders.splice(place, 0, { point, value });
    else if (leaders.length < LEADERS) leaders.push({ point, value });
    if (leaders.length > LEADERS) leaders.pop();
  }
  for (const leader of leaders)
    for (let i = 0; i < refinements; i++) {
      const point = changed(space, leader.point, 0.15 * 0.005 ** (i / refinements) + 0.001, random);
      const value = acquisition(space.snapped(point), leader.value);
      if (value > leader.value) Object.assign(leader, { point, value });
    }
  return leaders.reduce((a, b) => (b.value > a.value ? b : a)).point;
}

/** A point with some coordinates moved by a normal step (or another choice taken). */
function changed(space: Space, center: SpacePoint, step: number, random: Random): number[] {
  const rate = Math.max(1.5 / space.dimensions.length, random.uniform());
  return space.dimensions.map(({ choices }, at) => {
    const x = center[at] as number;
    if (Number.isNaN(x)) return choices > 0 ? random.below(choices) : random.uniform();
    if (random.uniform() > rate) return x;
    if (choices > 0) return random.uniform() < 0.3 ? random.below(choices) : x;
    return Math.min(1, Math.max(0, x + step * random.normal()));
  });
}

/** Times that differ by less than 5 % from trial to trial say nothing. */
const LEAST_PRICE_DEVIATION = 0.05;

function modelOf(
  space: Space,
  history: History,
  start: number,
  { fitted, weighsTime, random }: { fitted: FittedScales; weighsTime: boolean; random: Random },
): Model {
  const observations = modelled(history, effortFor(space.dimensions.length, history.size).modelled);
  const most = history.levels.length - 1;
  // On a ladder of one place there is no coordinate for it.
  const placed = (point: SpacePoint, level: number) => (most > 0 ? [...point, level / most] : point);
  const at = ({ point, level }: Observation) => placed(point, level);
  const places = most > 0 ? { full: 1, start: start / most } : { full: undefined, start: undefined };
  const pending = [...history.pending.values()].map((point) => placed(point, start));
  const ofSpace = space.dimensions.map((dimension) => (dimension.choices > 0 ? 1 : 0));
  const choices = Uint8Array.from(most > 0 ? [...ofSpace, 0] : ofSpace);
  const points = pointSet([...observations.map(at), ...pending], choices);
  fitted.update(history, at, choices);
  // What is being trained is taken to come out average.
  const process = (name: string, valuesOf: (set: readonly Observation[]) => number[]) =>
    new GaussianProcess(
      points,
      Float64Array.from([...valuesOf(observations), ...pending.map(() => 0)]),
      fitted.of(name, valuesOf),
    );
  const processes = Array.from({ length: history.objectives }, (_, objective) =>
    process(`objective ${objective}`, (set) => standardised(set, objective)),
  );
  const scaled = processes.map((_, objective) => standardised(observations, objective));
  const gain =
    processes.length === 1
      ? expectedImprovement(
          processes[0] as GaussianProcess,
          history.levels.flatMap((level) => level.top(INCUMBENTS)),
          places,
        )
      : hypervolumeGain(processes, observations, scaled, places, random);
  const feasibility = observations.some(({ violation }) => violation > 0)
    ? feasibilityOf(process('violation', standardisedViolations), observations, places)
    : () => 0;
  const isPriced = weighsTime && rootMeanSquare(logPrices(observations)) > LEAST_PRICE_DEVIATION;
  const prices = isPriced ? process('time', logPrices) : null;
  const priceAt = (point: SpacePoint) => prices?.mean(point, places.start) ?? 0;
  const ranking = history.levels.findLast(({ size }) => size >= 3) ?? (history.levels[0] as History['levels'][number]);
  return {
    revision: history.revision,
    level: start,
    best: ranking.top(6).map(({ point }) => point),
    acquisition: (point, least) => {
      const price = priceAt(point);
      const value = gain(point, least + price);
      return value > least + price ? value - price + feasibility(point) : -Infinity;
    },
  };
}

function rootMeanSquare(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/**
 * The observations that the model is made of, from the highest level down: of each the best and an even choice of the
 * rest. Half of the room that is left is for the levels below, as far as they fill it.
 */
function modelled({ levels, size }: History, most: number): Observation[] {
  const chosen: Observation[] = [];
  let below = size;
  for (const ranking of [...levels].reverse()) {
    below -= ranking.size;
    const left = most - chosen.length;
    const room = Math.min(ranking.size, Math.max(Math.ceil(left / 2), left - below));
    const all = ranking.all();
    const best = all.slice(0, Math.ceil(room / 2));
    const rest = all.slice(best.length);
    const count = room - best.length;
    chosen.push(...best);
    for (let i = 0; i < count; i++) chosen.push(rest[Math.floor((i * rest.length) / count)] as Observation);
  }
  return chosen;
}

export const bayesian: SamplerKind = {
  name: 'bayesian',
  description: 'Gaussian processes over candidates and budgets: each trial counts',
  create: ({ startup, weighsTime }) => new BayesianSampler(startup, weighsTime),
  commits: true,
};
