/** How good a measured config is: by the study's preference, as far as one device decides it. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { type Constraint, METRICS, type Objective, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { Prefer } from '@edgetune/shared/domain/prefer.ts';
import { createPreference, logLoss, worstCompeting } from '@edgetune/shared/domain/preference.ts';

/** What is wanted of one device. */
export interface Goals {
  aims: readonly Pick<Objective, 'metric' | 'direction'>[];
  limits: readonly Constraint[];
  /** Whether the first aim leads. Else all configs are alike in what leads, such as the accuracy. */
  leads: boolean;
  prefer?: Prefer | undefined;
}

/** The goals that concern this device; without an objective on the device, the median latency decides. */
export function goalsOf(
  {
    objectives,
    constraints,
    prefer,
  }: { objectives: readonly Objective[]; constraints: readonly Constraint[]; prefer?: Prefer | undefined },
  deviceName: string,
): Goals {
  const concerns = ({ metric, device }: { metric: string; device?: string | undefined }) =>
    METRICS[metric]?.of === 'device' && (device === undefined || device === deviceName);
  // Of a ratio, what a device decides: the rest is the same for all of its configs.
  const wanted = objectives
    .filter(concerns)
    .map(({ metric, direction }) => ({ metric: METRICS[metric]?.ratio?.ofDevice ?? metric, direction }));
  return {
    aims: wanted.length > 0 ? wanted : [{ metric: 'latency.p50', direction: 'minimize' }],
    limits: constraints.filter(concerns),
    leads: objectives[0] !== undefined && concerns(objectives[0]),
    prefer,
  };
}

/** Measurements that succeeded, best first. */
export function bestFirst<M extends StoredMeasurement>(goals: Goals, measurements: readonly M[]): M[] {
  const { aims, limits, leads, prefer } = goals;
  const objectives = aims.map(({ metric, direction }): Objective => ({ metric, direction, aggregate: 'worst' }));
  const named = (measurement: M) =>
    Object.fromEntries(Object.entries(metricsOf(measurement)).map(([name, value]) => [`${name}@device`, value]));
  return createPreference({ objectives, devices: ['device'], prefer, leads }).rank(
    measurements
      .filter(({ outcome }) => outcome === 'ok')
      .map((item) => ({ item, violation: violationOn(item, limits), metrics: named(item) })),
  );
}

/** Sum of relative violations of a device's limits by a measurement that succeeded; 0: it keeps them. */
export function violationOn(measurement: StoredMeasurement, limits: readonly Constraint[]): number {
  const metrics = metricsOf(measurement);
  return limits.reduce((sum, limit) => {
    const value = metrics[limit.metric];
    // A board without a meter cannot show that it keeps an energy limit.
    return sum + (value === undefined ? 1 : violationOf(limit, value));
  }, 0);
}

/** A measurement as one number, for a model to learn and to improve on. */
export interface ConfigScore {
  violation: number;
  /** The compromise of the aims: the logarithm of their product, each to the power of its weight. */
  loss: number;
}

export function scoreOf({ aims, limits, prefer }: Goals, measurement: StoredMeasurement): ConfigScore {
  const metrics = metricsOf(measurement);
  const loss = aims.reduce((sum, { metric, direction }) => {
    const value = metrics[metric];
    return value === undefined ? sum : sum + weightOf(metric, prefer) * logLoss(metric, direction, value);
  }, 0);
  return { violation: violationOn(measurement, limits), loss };
}

/** How often a share of an aim counts. */
export function weightOf(metric: string, prefer: Prefer | undefined): number {
  return prefer?.weights[metric] ?? 1;
}

/**
 * The goals of a search one after another: where one aim leads, its best value first, then the best compromise among
 * what is near enough to the best that was found.
 */
export function stagesOf(goals: Goals, measured: readonly StoredMeasurement[]): Goals[] {
  const { aims, limits, prefer } = goals;
  const [first, ...others] = aims;
  if (!goals.leads || !first || others.length === 0) return [goals];
  const alone = { ...goals, aims: [first] };
  const [best] = bestFirst(alone, measured);
  const value = best && violationOn(best, limits) === 0 ? metricsOf(best)[first.metric] : undefined;
  if (value === undefined) return [alone];
  const { metric, direction } = first;
  const near: Constraint = {
    metric,
    operator: direction === 'minimize' ? '<=' : '>=',
    limit: worstCompeting(metric, direction, value, prefer),
  };
  return [alone, { ...goals, limits: [...limits, near] }];
}
