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
import { chosenObservations } from './choose-observations.ts';
import { effortFor } from './effort.ts';
import { FittedScales } from './fitted-scales.ts';
import { GaussianProcess, pointSet } from './gaussian-process.ts';
import { logPrices } from './log-prices.ts';
import { changed, maximised } from './maximise.ts';
import { STARTUP, standardised, standardisedViolations } from './standardise.ts';

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
    const { acquisition, best } = this.#model;
    const point = maximised(space, acquisition, best, effortFor(space.dimensions.length, observed), random);
    // The best was tried already: something near it, ever less near.
    return { point: attempt === 0 ? point : changed(space, point, 0.02 * attempt, random), by: 'bayesian' };
  }
}

/** Times that differ by less than 5 % from trial to trial say nothing. */
const LEAST_PRICE_DEVIATION = 0.05;

function modelOf(
  space: Space,
  history: History,
  start: number,
  { fitted, weighsTime, random }: { fitted: FittedScales; weighsTime: boolean; random: Random },
): Model {
  const observations = chosenObservations(history, effortFor(space.dimensions.length, history.size).modelled);
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

export const bayesian: SamplerKind = {
  name: 'bayesian',
  description: 'Gaussian processes over candidates and budgets: each trial counts',
  create: ({ startup, weighsTime }) => new BayesianSampler(startup, weighsTime),
  commits: true,
};
