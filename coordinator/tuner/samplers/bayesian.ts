/**
 * Bayesian optimisation for the first few hundred observations, where every trial counts and a decision may take some
 * milliseconds. Gaussian processes over all levels of the ladder (the level is one more coordinate) predict each
 * objective at the full budget. One objective: expected improvement (Jones et al. 1998). Several: the hypervolume
 * gained by an optimistic outcome (SMS-EGO, Ponweiser et al. 2008). Both weighted by the probability of feasibility,
 * from a process of the violation.
 */
import type { History } from '../history.ts';
import type { Observation } from '../observation.ts';
import { hypervolume, paretoFront, referencePoint } from '../pareto.ts';
import type { Random } from '../random.ts';
import type { Space, SpacePoint } from '../space.ts';
import { fitScales, GaussianProcess, type Scales } from './gaussian-process.ts';
import type { Proposal, Sampler, SamplerView } from './sampler.ts';

const STARTUP = 8;
/** Observations that the scales are fitted to at most. */
const MOST_FITTED = 60;
/** The scales are fitted anew whenever there are so many times as many observations. */
const FIT_GROWTH = 1.2;
/** Observations in the model at most: the best and an even choice of the others, the highest levels first. */
const MOST_MODELLED = 120;
const SPREAD_POINTS = 150;
const REFINEMENTS = 150;
/** Optimism with several objectives: the outcome is taken at the mean less so many standard deviations. */
const OPTIMISM = 1;

/** How good it would be to try a point; larger is better. */
type Acquisition = (point: SpacePoint) => number;

interface Model {
  revision: number;
  level: number;
  acquisition: Acquisition;
  /** Good points, to search around. */
  best: readonly SpacePoint[];
}

export class BayesianSampler implements Sampler {
  readonly #startup: Sampler;
  #model: Model | null = null;
  readonly #scales = new FittedScales();

  constructor(startup: Sampler) {
    this.#startup = startup;
  }

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history, attempt } = view;
    const enough = history.size >= STARTUP && history.levels.some((level) => level.feasibleSize >= 2);
    if (!enough || attempt >= 8) return this.#startup.propose(view, random);
    if (this.#model?.revision !== history.revision || this.#model.level !== view.level)
      this.#model = modelOf(space, history, view.level, this.#scales);
    const point = searched(space, this.#model, random);
    // The best was tried already: something near it, ever less near.
    return { point: attempt === 0 ? point : changed(space, point, 0.02 * attempt, random), by: 'bayesian' };
  }
}

/** Looks for the largest acquisition: spread points, then ever smaller changes of good points. */
function searched(space: Space, { acquisition, best }: Model, random: Random): number[] {
  const found: { point: number[]; value: number }[] = [];
  const consider = (point: number[]) => {
    const value = acquisition(space.conditional || isMixed(space) ? space.pointOf(space.candidateAt(point)) : point);
    found.push({ point, value });
  };
  for (let i = 0; i < SPREAD_POINTS; i++) {
    const center = best[i % (2 * best.length)];
    consider(center ? changed(space, center, 0.3 * 10 ** (-2 * random.uniform()), random) : space.randomPoint(random));
  }
  found.sort((a, b) => b.value - a.value);
  const leaders = found.splice(0, 3);
  for (const [index, start] of leaders.entries()) {
    let leader = start;
    for (let i = 0; i < REFINEMENTS / 3; i++) {
      consider(changed(space, leader.point, 0.15 * 0.9 ** i + 0.001, random));
      const next = found.pop() as typeof leader;
      if (next.value > leader.value) leader = next;
    }
    leaders[index] = leader;
  }
  return leaders.reduce((a, b) => (b.value > a.value ? b : a)).point;
}

const isMixed = (space: Space) => space.dimensions.some(({ count }) => Number.isFinite(count));

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

function modelOf(space: Space, history: History, start: number, fitted: FittedScales): Model {
  const observations = modelled(history);
  const levels = history.levels.length;
  const at = ({ point, level }: { point: SpacePoint; level: number }) =>
    levels > 1 ? [...point, level / (levels - 1)] : point;
  const pending = [...history.pending.values()].map((point) => ({ point, level: start }));
  const points = [...observations, ...pending].map(at);
  const difference = differenceOf(space);
  fitted.update(history, at, difference);
  const process = (values: readonly number[], scales: Scales) =>
    new GaussianProcess(points, [...values, ...pending.map(() => 0)], difference, scales);
  const scaled = Array.from({ length: history.objectives }, (_, objective) => standardised(observations, objective));
  const processes = scaled.map((values, objective) =>
    process(
      values,
      fitted.of(`objective ${objective}`, (set) => standardised(set, objective)),
    ),
  );
  const gain =
    processes.length === 1
      ? expectedImprovement(
          processes[0] as GaussianProcess,
          observations.map((observation) => at({ ...observation, level: levels - 1 })),
          (point) => (levels > 1 ? [...point.slice(0, -1), start / (levels - 1)] : point),
        )
      : hypervolumeGain(processes, observations, scaled);
  const feasibility = observations.some(({ violation }) => violation > 0)
    ? feasibilityOf(
        process(standardisedViolations(observations), fitted.of('violation', standardisedViolations)),
        observations,
      )
    : () => 0;
  const top = (point: SpacePoint) => (levels > 1 ? [...point, 1] : point);
  const ranking = history.levels.findLast(({ size }) => size >= 3) ?? (history.levels[0] as History['levels'][number]);
  return {
    revision: history.revision,
    level: start,
    best: ranking.top(6).map(({ point }) => point),
    acquisition: (point) => {
      const full = top(point);
      return gain(full) + feasibility(full);
    },
  };
}

/**
 * The scales of each process, fitted to the first observations of the history up to a number that grows by steps: a fit
 * serves many asks, and depends on nothing but the history, so that a restored tuner finds the same.
 */
class FittedScales {
  #set: Observation[] = [];
  #points: SpacePoint[] = [];
  #difference: ReturnType<typeof differenceOf> = () => 0;
  readonly #known = new Map<string, Scales>();

  update(
    { inOrder }: History,
    at: (observation: Observation) => SpacePoint,
    difference: ReturnType<typeof differenceOf>,
  ) {
    let count = STARTUP;
    while (Math.ceil(count * FIT_GROWTH) <= inOrder.length) count = Math.ceil(count * FIT_GROWTH);
    const used = Math.min(count, MOST_FITTED);
    const set = Array.from({ length: used }, (_, i) => inOrder[Math.floor((i * count) / used)] as Observation);
    this.#difference = difference;
    if (set.length === this.#set.length && set.every((observation, i) => observation === this.#set[i])) return;
    this.#set = set;
    this.#points = set.map(at);
    this.#known.clear();
  }

  of(process: string, valuesOf: (set: readonly Observation[]) => number[]): Scales {
    const scales = this.#known.get(process) ?? fitScales(this.#points, valuesOf(this.#set), this.#difference);
    this.#known.set(process, scales);
    return scales;
  }
}

/** The observations that the model is made of: from the highest level down, of each the best and an even choice of the rest. */
function modelled({ levels }: History): Observation[] {
  const chosen: Observation[] = [];
  for (const ranking of [...levels].reverse()) {
    const room = MOST_MODELLED - chosen.length;
    const all = ranking.all();
    const best = all.slice(0, Math.ceil(room / 2));
    const rest = all.slice(best.length);
    const count = Math.min(rest.length, room - best.length);
    chosen.push(...best);
    for (let i = 0; i < count; i++) chosen.push(rest[Math.floor((i * rest.length) / count)] as Observation);
  }
  return chosen;
}

function differenceOf(space: Space) {
  const unordered = space.dimensions.map(({ choices }) => choices > 0);
  return (a: number, b: number, at: number): number => {
    if (unordered[at]) return a === b || (Number.isNaN(a) && Number.isNaN(b)) ? 0 : 1;
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : 1;
    return (a - b) ** 2;
  };
}

/**
 * An objective's values with mean 0 and variance 1. What is worse than the median is drawn together logarithmically:
 * how bad the bad ones are must not hide the differences of the good. Where a trial failed it stands among the worst.
 * With several objectives it is the median of the first trials: the later ones crowd at one end of each objective.
 */
function standardised(observations: readonly Observation[], objective: number): number[] {
  const known = observations.filter(({ losses }) => losses.length > 0);
  const lossOf = ({ losses }: Observation) => losses[objective] as number;
  const values = known.map(lossOf);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const several = (known[0]?.losses.length ?? 1) > 1;
  const range = medianOf((several ? earliest(known) : known).map(lossOf)) - low || 1;
  const drawn = observations.map((observation) => {
    const share = ((observation.losses.length > 0 ? lossOf(observation) : high) - low) / range;
    return share <= 1 ? share : 1 + Math.log(share);
  });
  return normalised(drawn);
}

/** The first trials: those spread over the space before any model. */
function earliest(observations: readonly Observation[]): Observation[] {
  return [...observations].sort((a, b) => a.trialId - b.trialId).slice(0, STARTUP);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

function normalised(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  return values.map((value) => (value - mean) / deviation);
}

/** Violations, drawn together logarithmically; unbounded ones count as the largest. */
function standardisedViolations(observations: readonly Observation[]): number[] {
  const bounded = observations.map(({ violation }) => violation).filter(Number.isFinite);
  const largest = Math.max(1, ...bounded);
  return normalised(observations.map(({ violation }) => Math.log1p(Math.min(violation, largest) / 0.05)));
}

/** Logarithm of the probability that the violation is nearer to none than to the smallest seen. */
function feasibilityOf(process: GaussianProcess, observations: readonly Observation[]): Acquisition {
  const values = standardisedViolations(observations);
  const none = values[observations.findIndex(({ violation }) => violation === 0)] ?? Math.min(...values) - 1;
  return (point) => {
    const { mean, deviation } = process.predict(point);
    return logNormalCdf((none + 0.25 - mean) / deviation);
  };
}

/**
 * Improvement of the predicted value at the full budget, as uncertain as it is at the level where the trial starts:
 * what no start at that level can tell must not draw trial after trial to one place.
 */
function expectedImprovement(
  process: GaussianProcess,
  seen: readonly SpacePoint[],
  atStart: (point: SpacePoint) => SpacePoint,
): Acquisition {
  const best = Math.min(...seen.map((point) => process.mean(point)));
  return (point) => {
    const start = atStart(point);
    const { mean, deviation } =
      start === point ? process.predict(point) : { mean: process.mean(point), deviation: process.deviation(start) };
    return Math.log(deviation) + logImprovement((best - mean) / deviation);
  };
}

/** log(φ(z) + z Φ(z)), by its asymptote far below 0. */
function logImprovement(z: number): number {
  const density = -(z * z) / 2 - 0.9189385332046727;
  if (z < -5) return density - 2 * Math.log(-z);
  return Math.log(Math.exp(density) + z * Math.exp(logNormalCdf(z)));
}

/** log Φ(z), by a logistic-like bound (Bowling et al. 2009, error below 1.5e-4), by its asymptote far below 0. */
function logNormalCdf(z: number): number {
  if (z < -4) return -(z * z) / 2 - 0.9189385332046727 - Math.log(-z);
  return -Math.log1p(Math.exp(-(1.5976 * z + 0.07056 * z ** 3)));
}

/** Logarithm of the hypervolume that the optimistic outcome would add; where it adds none, minus how far it is from that. */
function hypervolumeGain(
  processes: readonly GaussianProcess[],
  observations: readonly Observation[],
  scaled: readonly (readonly number[])[],
): Acquisition {
  const top = Math.max(...observations.filter(({ violation }) => violation === 0).map(({ level }) => level));
  const reached = observations.flatMap(({ violation, level }, i) =>
    violation === 0 && level === top ? [scaled.map((values) => values[i] as number)] : [],
  );
  const front = paretoFront(reached).map((index) => reached[index] as number[]);
  // A front of one point, or a narrow one, must not hide what lies beside it: what is better than the median of the
  // first trials counts, too.
  const early = new Set(earliest(observations));
  const first = scaled.map((values) => medianOf(values.filter((_, i) => early.has(observations[i] as Observation))));
  const reference = referencePoint(front).map((value, i) => Math.max(value, first[i] as number));
  const volume = hypervolume(front, reference);
  return (point) => {
    const outcome = processes.map((process) => {
      const { mean, deviation } = process.predict(point);
      return mean - OPTIMISM * deviation;
    });
    const gained = hypervolume([...front, outcome], reference) - volume;
    if (gained > 1e-12) return Math.log(gained);
    // The least shift that would bring it past the front.
    const shift = Math.max(
      ...front.map((member) => Math.min(...member.map((value, i) => (outcome[i] as number) - value))),
      ...outcome.map((value, i) => value - (reference[i] as number)),
    );
    return Math.log(1e-12) - Math.max(0, shift);
  };
}
