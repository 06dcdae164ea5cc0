/**
 * Which config is worth the next measurement. The acquisition is expected improvement (Jones et al., "Efficient Global
 * Optimization", 1998) times the probability of being feasible (Gardner et al., "Bayesian Optimization with Inequality
 * Constraints", 2014).
 */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { ParameterValue } from '@edgetune/shared/domain/search-space.ts';
import { logExpectedImprovement } from '@edgetune/shared/math/expected-improvement.ts';
import type { Posterior } from '../predictor/gaussian-process.ts';
import type { ConfigAxis } from './config-grid.ts';
import { type ConfigScore, type Goals, scoreOf } from './config-score.ts';
import { chanceOfFeasible, type Forecast, lossOf } from './forecast.ts';

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

/** What to measure next under these goals; null where nothing is worth it. */
export function nextConfig(
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
      sum + Math.abs(values.indexOf(from[name] as ParameterValue) - values.indexOf(to[name] as ParameterValue)),
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
