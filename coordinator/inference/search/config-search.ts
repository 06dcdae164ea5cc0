/**
 * Model-based search over the grid of inference configs: measure where the most is expected to be gained under the
 * constraints, learn from it, and stop when nothing worth a measurement is left.
 */
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { allPositions, type ConfigAxis, configAt } from './config-grid.ts';
import { stagesOf } from './config-score.ts';
import { expectedViolation, forecastOf, isTaught, learnAll, mayRefuse, surelyViolates } from './forecast.ts';
import { nextConfig } from './next-config.ts';
import type { SearchProblem } from './search-problem.ts';

export interface SearchOutcome {
  /** Configs of the grid. */
  possible: number;
  /** Set where the prediction alone refuses the architecture: the smallest expected violation. */
  refusedAt: number | null;
}

/** At most this share of the grid is measured, but a small grid may be looked at more closely … */
const LARGEST_SHARE = 0.15;
/** … and one of no more configs than this is measured in full: what a prediction saves there is not worth its mistakes. */
const SMALLEST_BUDGET = 8;
/** Before it has measured so much of the grid, a model that no other architecture has taught may not end the search. */
const SHARE_UNTAUGHT = 0.08;

/** How many of a grid's configs are measured at most. */
export function measurementBudget(possible: number): number {
  return Math.min(possible, Math.max(SMALLEST_BUDGET, Math.floor(LARGEST_SHARE * possible)));
}

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
    if (possible <= SMALLEST_BUDGET) next ??= open.values().next().value ?? null;
    if (!next) break;
    await visit(next);
  }
  return { possible, refusedAt: null };
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
