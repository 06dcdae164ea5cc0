/** How good a measured config is: by the study's preference, as far as one device decides it. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { constraintsOn, metricsOf, violationOfMeasured } from '@edgetune/shared/domain/measurement-metrics.ts';
import type { Constraint, Objective } from '@edgetune/shared/domain/objective.ts';
import type { Prefer } from '@edgetune/shared/domain/prefer.ts';
import { createPreference, logLoss, weightOf, worstCompeting } from '@edgetune/shared/domain/preference.ts';
import { decidedOn, partsOfConfigs } from './decided-objectives.ts';

/** An objective on the device. */
export interface Aim extends Pick<Objective, 'metric' | 'direction'> {
  /** How often a share of it counts. */
  weight: number;
}

/** What is wanted of one device. */
export interface Goals {
  aims: readonly Aim[];
  limits: readonly Constraint[];
  /** Whether the first aim leads. Else all configs are alike in what leads, such as the accuracy. */
  leads: boolean;
  /** By the names of the aims. */
  prefer?: Prefer | undefined;
}

/** The goals that concern this device; without an objective on the device, the median latency decides. */
export function goalsOf(
  {
    constraints,
    ...wanted
  }: { objectives: readonly Objective[]; constraints: readonly Constraint[]; prefer?: Prefer | undefined },
  deviceName: string,
): Goals {
  const { objectives, prefer, leads } = decidedOn(deviceName, wanted, partsOfConfigs);
  return {
    aims: objectives.map(({ metric, direction }) => ({ metric, direction, weight: prefer?.weights[metric] ?? 1 })),
    limits: constraintsOn(constraints, deviceName),
    leads,
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
  return violationOfMeasured(limits, metricsOf(measurement));
}

/** A measurement as one number, for a model to learn and to improve on. */
export interface ConfigScore {
  violation: number;
  /** The compromise of the aims: the logarithm of their product, each to the power of its weight. */
  loss: number;
}

export function scoreOf({ aims, limits }: Goals, measurement: StoredMeasurement): ConfigScore {
  const metrics = metricsOf(measurement);
  const loss = aims.reduce((sum, { metric, direction, weight }) => {
    const value = metrics[metric];
    return value === undefined ? sum : sum + weight * logLoss(metric, direction, value);
  }, 0);
  return { violation: violationOn(measurement, limits), loss };
}

/**
 * The goals of a search one after another: where one aim leads, its best value first, then the best compromise among
 * what is near enough to the best that was found.
 */
export function stagesOf(goals: Goals, measured: readonly StoredMeasurement[]): Goals[] {
  const { aims, limits, prefer } = goals;
  const [first, ...others] = aims;
  if (!goals.leads || !first || others.length === 0) return [goals];
  const succeeded = measured.filter(({ outcome }) => outcome === 'ok');
  // What this board cannot measure leads nothing.
  if (succeeded.length > 0 && succeeded.every((each) => metricsOf(each)[first.metric] === undefined))
    return [{ ...goals, aims: others, leads: false }];
  const alone = { ...goals, aims: [first] };
  const [best] = bestFirst(alone, succeeded);
  const value = best && violationOn(best, limits) === 0 ? metricsOf(best)[first.metric] : undefined;
  if (value === undefined) return [alone];
  const { metric, direction } = first;
  const near: Constraint = {
    metric,
    operator: direction === 'minimize' ? '<=' : '>=',
    limit: worstCompeting(metric, direction, value, prefer),
  };
  const weight = weightOf(first, prefer, direction === 'minimize' ? value : -value);
  return [alone, { ...goals, aims: [{ ...first, weight }, ...others], limits: [...limits, near] }];
}
