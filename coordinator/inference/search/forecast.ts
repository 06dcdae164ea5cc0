/** What a config is expected to show, by what has been measured on the device. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { violationOf } from '@edgetune/shared/domain/objective.ts';
import { normalCdf } from '@edgetune/shared/math/normal.ts';
import type { Posterior } from '../predictor/gaussian-process.ts';
import { type Example, learn, type Predictor, quantile95 } from '../predictor/predictor.ts';
import type { Goals } from './config-score.ts';
import type { SearchProblem } from './search-problem.ts';

/** Other architectures from which a refusal without a measurement may be predicted. */
const ARCHITECTURES_TO_REFUSE = 5;

/** By metric: mean and standard deviation of its natural logarithm. */
export type Forecast = ReadonlyMap<string, Posterior>;

/** Whether other architectures have shown how this device scales. */
export function isTaught(problem: SearchProblem): boolean {
  return metricsNamed(problem.goals).some((metric) => problem.examples(metric).length > 0);
}

function metricsNamed({ aims, limits }: Goals): string[] {
  return [...new Set([...aims, ...limits].map(({ metric }) => metric))];
}

/** A predictor for each metric that matters and can be measured here; null while there is nothing to learn from. */
export function learnAll(problem: SearchProblem, own: readonly StoredMeasurement[]): Map<string, Predictor> | null {
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

export function forecastOf(
  { architectureFor }: SearchProblem,
  predictors: ReadonlyMap<string, Predictor>,
  config: InferenceConfig,
): Forecast {
  return new Map(
    [...predictors].map(([metric, predictor]) => [metric, predictor.predict(architectureFor(config), config)]),
  );
}

export function mayRefuse(predictors: ReadonlyMap<string, Predictor>): boolean {
  return [...predictors.values()].every(({ architectures }) => architectures >= ARCHITECTURES_TO_REFUSE);
}

/** Whether the whole 95 % interval of some metric violates its limit. */
export function surelyViolates(goals: Goals, forecast: Forecast, predictors: ReadonlyMap<string, Predictor>): boolean {
  return goals.limits.some((limit) => {
    const expected = forecast.get(limit.metric);
    if (!expected) return false;
    const reach = quantile95(predictors.get(limit.metric)?.architectures ?? 1) * expected.deviation;
    return violationOf(limit, Math.exp(expected.mean + (limit.operator === '<=' ? -reach : reach))) > 0;
  });
}

export function expectedViolation({ limits }: Goals, forecast: Forecast): number {
  return limits.reduce((sum, limit) => {
    const expected = forecast.get(limit.metric);
    return sum + (expected ? violationOf(limit, Math.exp(expected.mean)) : 0);
  }, 0);
}

export function chanceOfFeasible({ limits }: Goals, forecast: Forecast): number {
  return limits.reduce((chance, limit) => {
    const expected = forecast.get(limit.metric);
    if (!expected) return chance;
    const z = (Math.log(Math.max(limit.limit, Number.MIN_VALUE)) - expected.mean) / expected.deviation;
    return chance * normalCdf(limit.operator === '<=' ? z : -z);
  }, 1);
}

/** Mean and deviation of the loss; the metrics of one run rise and fall together, so deviations are added. */
export function lossOf({ aims }: Goals, forecast: Forecast): Posterior {
  let [mean, deviation] = [0, 0];
  for (const { metric, direction, weight } of aims) {
    const expected = forecast.get(metric);
    if (!expected) continue;
    mean += weight * (direction === 'minimize' ? expected.mean : -expected.mean);
    deviation += weight * expected.deviation;
  }
  return { mean, deviation };
}
