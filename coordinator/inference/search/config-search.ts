/**
 * Model-based search over the grid of inference configs: measure where the most is expected to be gained under the
 * constraints, learn from it, and stop when nothing worth a measurement is left. The acquisition is expected
 * improvement (Jones et al., "Efficient Global Optimization", 1998) times the probability of being feasible (Gardner
 * et al., "Bayesian Optimization with Inequality Constraints", 2014).
 */
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { violationOf } from '@edgetune/shared/domain/objective.ts';
import { logExpectedImprovement } from '@edgetune/shared/math/expected-improvement.ts';
import { normalCdf } from '@edgetune/shared/math/normal.ts';
import type { Posterior } from '../predictor/gaussian-process.ts';
import { type Example, learn, type Predictor, quantile95 } from '../predictor/predictor.ts';
import { allPositions, type ConfigAxis, configAt } from './config-grid.ts';
import { type ConfigScore, type Goals, scoreOf, stagesOf, weightOf } from './config-score.ts';

/** Measures a config (or recalls it); null where it could not be measured. */
export type Evaluate = (config: InferenceConfig) => Promise<StoredMeasurement | null>;

export interface SearchProblem {
  axes: readonly ConfigAxis[];
  goals: Goals;
  cores: number;
  /** The architecture's name among examples. */
  group: string;
  /** Coordinates of the graph that a config runs. */
  architectureFor: (config: InferenceConfig) => readonly number[];
  /** What the device has shown with other architectures, by metric. */
  examples: (metric: string) => readonly Example[];
  /** Configs whose measurement is in the history and costs nothing. */
  isKnown: (config: InferenceConfig) => boolean;
  evaluate: Evaluate;
  /** True: no measurement but the first is begun any more. */
  isTimeUp: () => boolean;
}

export interface SearchOutcome {
  /** Configs of the grid. */
  possible: number;
  /** Set where the prediction alone refuses the architecture: the smallest expected violation. */
  refusedAt: number | null;
}

/** The search stops when no config promises to be better by so much (relative, times the chance of being feasible). */
const WORTH_MEASURING = 0.003;
/** Without a feasible config, one with less chance is measured only to learn by how much the architecture fails … */
const HOPELESS = 0.005;
/** … and only where that promises to change by so much. */
const WORTH_KNOWING = 0.02;
/** A neighbour of the best is looked at unless it would have to be better than predicted by more than twice this … */
const DOUBT = 0.03;
/** … or keeps the limits with less chance than this. */
const UNLIKELY = 0.05;
/** At most this share of the grid is measured, but a small grid may be looked at more closely. */
const LARGEST_SHARE = 0.15;
const SMALLEST_BUDGET = 8;
/** Before it has measured so much of the grid, a model that no other architecture has taught may not end the search. */
const SHARE_UNTAUGHT = 0.08;
/** Other architectures from which a refusal without a measurement may be predicted. */
const ARCHITECTURES_TO_REFUSE = 5;

/** How many of a grid's configs are measured at most. */
export function measurementBudget(possible: number): number {
  return Math.min(possible, Math.max(SMALLEST_BUDGET, Math.floor(LARGEST_SHARE * possible)));
}

type Forecast = ReadonlyMap<string, Posterior>;

export async function searchConfigs(problem: SearchProblem): Promise<SearchOutcome> {
  const { axes, goals } = problem;
  const open = new Map(
    allPositions(axes).map((positions) => {
      const config = configAt(axes, positions);
      return [inferenceConfigKey(config), config];
    }),
  );
  const possible = open.size;
  const own: StoredMeasurement[] = [];
  const visit = async (config: InferenceConfig) => {
    open.delete(inferenceConfigKey(config));
    const measurement = await problem.evaluate(config);
    if (measurement?.outcome === 'out-of-memory') dropLarger(open, config);
    if (measurement?.outcome !== 'ok') return;
    own.push(measurement);
  };

  for (const config of [...open.values()].filter(problem.isKnown)) await visit(config);
  const budget = measurementBudget(possible);
  const enoughToStop = Math.min(budget, SHARE_UNTAUGHT * possible);
  for (let spent = 0; spent < budget && open.size > 0; spent += 1) {
    if (spent > 0 && problem.isTimeUp()) break;
    const predictors = learnAll(problem, own);
    if (!predictors) {
      await visit(startOf(axes, open));
      continue;
    }
    // Whether threads help at all is the one thing of which not even the sign is known beforehand.
    const hasThreads = axes.some(({ name, values }) => name === 'threads' && values.length > 1);
    const alone = spent === 1 && hasThreads ? startOf(axes, open, 'one thread') : null;
    if (alone && !isTaught(problem)) {
      await visit(alone);
      continue;
    }
    const forecasts = [...open.values()].map((config) => ({
      config,
      forecast: forecastOf(problem, predictors, config),
    }));
    if (
      own.length === 0 &&
      mayRefuse(predictors) &&
      forecasts.every(({ forecast }) => surelyViolates(goals, forecast, predictors))
    )
      return { possible, refusedAt: Math.min(...forecasts.map(({ forecast }) => expectedViolation(goals, forecast))) };
    const isExperienced = isTaught(problem) || own.length >= enoughToStop;
    let next: InferenceConfig | null = null;
    for (const stage of stagesOf(goals, own)) next ??= nextConfig(axes, stage, forecasts, own, isExperienced);
    if (!next) break;
    await visit(next);
  }
  return { possible, refusedAt: null };
}

/** What to measure next under these goals; null where nothing is worth it. */
function nextConfig(
  axes: readonly ConfigAxis[],
  goals: Goals,
  forecasts: readonly { config: InferenceConfig; forecast: Forecast }[],
  own: readonly StoredMeasurement[],
  isExperienced: boolean,
): InferenceConfig | null {
  const scores = own.map((measurement) => scoreOf(goals, measurement));
  return (
    mostPromising(goals, forecasts, scores, isExperienced) ??
    leastViolating(goals, forecasts, own, scores) ??
    unseenNeighbour(axes, goals, forecasts, own, scores)
  );
}

/** A larger batch needs no less memory. */
function dropLarger(open: Map<string, InferenceConfig>, failed: InferenceConfig): void {
  for (const [key, config] of open) {
    const same = inferenceConfigKey({ ...config, batchSize: failed.batchSize }) === inferenceConfigKey(failed);
    if (same && config.batchSize > failed.batchSize) open.delete(key);
  }
}

/** The smallest batch, all cores that the axis offers (or the fewest), the highest clock: what a latency study wants most often. */
function startOf(
  axes: readonly ConfigAxis[],
  open: ReadonlyMap<string, InferenceConfig>,
  threads: 'all threads' | 'one thread' = 'all threads',
): InferenceConfig {
  const atEnd = threads === 'all threads' ? ['threads', 'clockKHz'] : ['clockKHz'];
  const start = configAt(
    axes,
    axes.map(({ name, values }) => (atEnd.includes(name) ? values.length - 1 : 0)),
  );
  return open.get(inferenceConfigKey(start)) ?? (open.values().next().value as InferenceConfig);
}

/** Whether other architectures have shown how this device scales. */
function isTaught(problem: SearchProblem): boolean {
  return metricsNamed(problem.goals).some((metric) => problem.examples(metric).length > 0);
}

function metricsNamed({ aims, limits }: Goals): string[] {
  return [...new Set([...aims, ...limits].map(({ metric }) => metric))];
}

/** A predictor for each metric that matters and can be measured here; null while there is nothing to learn from. */
function learnAll(problem: SearchProblem, own: readonly StoredMeasurement[]): Map<string, Predictor> | null {
  const { group, architectureFor, cores } = problem;
  const predictors = new Map<string, Predictor>();
  for (const metric of metricsNamed(problem.goals)) {
    const mine = own.flatMap((measurement): Example[] => {
      const value = metricsOf(measurement)[metric];
      const { config } = measurement;
      return value !== undefined && value > 0 ? [{ group, architecture: architectureFor(config), config, value }] : [];
    });
    const examples = [...problem.examples(metric), ...mine];
    if (examples.length > 0) predictors.set(metric, learn(metric, examples, cores));
  }
  return predictors.size > 0 ? predictors : null;
}

function forecastOf(
  { architectureFor }: SearchProblem,
  predictors: ReadonlyMap<string, Predictor>,
  config: InferenceConfig,
): Forecast {
  return new Map(
    [...predictors].map(([metric, predictor]) => [metric, predictor.predict(architectureFor(config), config)]),
  );
}

function mayRefuse(predictors: ReadonlyMap<string, Predictor>): boolean {
  return [...predictors.values()].every(({ architectures }) => architectures >= ARCHITECTURES_TO_REFUSE);
}

/** Whether the whole 95 % interval of some metric violates its limit. */
function surelyViolates(goals: Goals, forecast: Forecast, predictors: ReadonlyMap<string, Predictor>): boolean {
  return goals.limits.some((limit) => {
    const expected = forecast.get(limit.metric);
    if (!expected) return false;
    const reach = quantile95(predictors.get(limit.metric)?.architectures ?? 1) * expected.deviation;
    return violationOf(limit, Math.exp(expected.mean + (limit.operator === '<=' ? -reach : reach))) > 0;
  });
}

function expectedViolation({ limits }: Goals, forecast: Forecast): number {
  return limits.reduce((sum, limit) => {
    const expected = forecast.get(limit.metric);
    return sum + (expected ? violationOf(limit, Math.exp(expected.mean)) : 0);
  }, 0);
}

function chanceOfFeasible({ limits }: Goals, forecast: Forecast): number {
  return limits.reduce((chance, limit) => {
    const expected = forecast.get(limit.metric);
    if (!expected) return chance;
    const z = (Math.log(Math.max(limit.limit, Number.MIN_VALUE)) - expected.mean) / expected.deviation;
    return chance * normalCdf(limit.operator === '<=' ? z : -z);
  }, 1);
}

/** Mean and deviation of the loss; the metrics of one run rise and fall together, so deviations are added. */
function lossOf({ aims, prefer }: Goals, forecast: Forecast): Posterior {
  let [mean, deviation] = [0, 0];
  for (const { metric, direction } of aims) {
    const expected = forecast.get(metric);
    if (!expected) continue;
    const weight = weightOf(metric, prefer);
    mean += weight * (direction === 'minimize' ? expected.mean : -expected.mean);
    deviation += weight * expected.deviation;
  }
  return { mean, deviation };
}

function mostPromising(
  goals: Goals,
  forecasts: readonly { config: InferenceConfig; forecast: Forecast }[],
  scores: readonly ConfigScore[],
  isExperienced: boolean,
): InferenceConfig | null {
  const incumbent = Math.min(...scores.filter(({ violation }) => violation === 0).map(({ loss }) => loss));
  const rated = forecasts.map(({ config, forecast }) => {
    const chance = chanceOfFeasible(goals, forecast);
    const loss = lossOf(goals, forecast);
    const worth = incumbent === Infinity ? chance : chance * improvement(incumbent, loss);
    return { config, worth, mean: loss.mean };
  });
  const best = rated.reduce((a, b) => (b.worth > a.worth || (b.worth === a.worth && b.mean < a.mean) ? b : a));
  // A model of a handful of measurements does not know what it does not know: it may not end the search.
  const worth = isExperienced ? WORTH_MEASURING : 0;
  const least = incumbent !== Infinity ? worth : scores.length > 0 ? HOPELESS : 0;
  return best.worth >= least ? best.config : null;
}

/**
 * A config one step along one axis from the best, where nothing else promises anything: the model may be too sure of
 * itself, and a bend (a penalty of full load, a cache) shows first beside the optimum. Null where none may be better.
 */
function unseenNeighbour(
  axes: readonly ConfigAxis[],
  goals: Goals,
  forecasts: readonly { config: InferenceConfig; forecast: Forecast }[],
  own: readonly StoredMeasurement[],
  scores: readonly ConfigScore[],
): InferenceConfig | null {
  const best = scores.reduce((at, score, index) => {
    if (score.violation > 0) return at;
    return at < 0 || score.loss < (scores[at] as ConfigScore).loss ? index : at;
  }, -1);
  if (best < 0) return null;
  const { config: from } = own[best] as StoredMeasurement;
  const rated = forecasts
    .filter(({ config }) => stepsBetween(axes, from, config) === 1)
    .map(({ config, forecast }) => {
      const loss = lossOf(goals, forecast);
      const optimistic = loss.mean - 2 * Math.max(loss.deviation, DOUBT);
      const isPossible =
        optimistic < (scores[best] as ConfigScore).loss && chanceOfFeasible(goals, forecast) > UNLIKELY;
      return { config, mean: isPossible ? loss.mean : Infinity };
    });
  const next = rated.reduce((a, b) => (b.mean < a.mean ? b : a), { config: from, mean: Infinity });
  return next.mean < Infinity ? next.config : null;
}

/** Steps along all axes from one config to another. */
function stepsBetween(axes: readonly ConfigAxis[], from: InferenceConfig, to: InferenceConfig): number {
  return axes.reduce(
    (sum, { name, values }) =>
      sum + Math.abs(values.findIndex((v) => v === from[name]) - values.findIndex((v) => v === to[name])),
    0,
  );
}

/** Where nothing is feasible: the config that may miss the limits by less than the best so far, or null. */
function leastViolating(
  goals: Goals,
  forecasts: readonly { config: InferenceConfig; forecast: Forecast }[],
  own: readonly StoredMeasurement[],
  scores: readonly ConfigScore[],
): InferenceConfig | null {
  if (scores.some(({ violation }) => violation === 0)) return null;
  const shown = own.map((measurement) => {
    const metrics = metricsOf(measurement);
    return excessOf(goals, (metric) => ({ mean: Math.log(metrics[metric] ?? Number.NaN), deviation: 0 })).mean;
  });
  const rated = forecasts.map(({ config, forecast }) => ({
    config,
    worth: improvement(
      Math.min(...shown),
      excessOf(goals, (metric) => forecast.get(metric)),
    ),
  }));
  const best = rated.reduce((a, b) => (b.worth > a.worth ? b : a));
  return best.worth >= WORTH_KNOWING ? best.config : null;
}

/** Sum of the logarithms by which limits are exceeded. */
function excessOf({ limits }: Goals, forecast: (metric: string) => Posterior | undefined): Posterior {
  let [mean, deviation] = [0, 0];
  for (const { metric, operator, limit } of limits) {
    const value = forecast(metric);
    if (!value || Number.isNaN(value.mean)) continue;
    const over = (value.mean - Math.log(Math.max(limit, Number.MIN_VALUE))) * (operator === '<=' ? 1 : -1);
    if (over <= 0) continue;
    mean += over;
    deviation += value.deviation;
  }
  return { mean, deviation };
}

function improvement(incumbent: number, { mean, deviation }: Posterior): number {
  return Math.exp(logExpectedImprovement(incumbent - mean, deviation));
}
