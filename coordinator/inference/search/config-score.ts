/** How good a measured config is: its violation of the device's constraints, then the study's device objectives. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { type Constraint, METRICS, type Objective, violationOf } from '@edgetune/shared/domain/objective.ts';

export interface ConfigScore {
  /** Sum of relative violations; 0: feasible. */
  violation: number;
  /**
   * Sum of the logarithms of the objectives, maximised ones negated: the product of the metrics, so that a config is
   * better when it improves one objective by a larger factor than it worsens another. Free of units.
   */
  loss: number;
}

export type Scorer = (measurement: StoredMeasurement) => ConfigScore;

/** Score of a config that could not be measured. */
export const IMPOSSIBLE: ConfigScore = { violation: Infinity, loss: Infinity };

/** What is wanted of one device. */
export interface Goals {
  aims: readonly Pick<Objective, 'metric' | 'direction'>[];
  limits: readonly Constraint[];
}

/** The goals that concern this device; without an objective on the device, the median latency decides. */
export function goalsOf(
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
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
  };
}

/** Scores measurements of one device. */
export function createScorer({ aims, limits }: Goals): Scorer {
  return (measurement) => {
    if (measurement.outcome !== 'ok') return IMPOSSIBLE;
    const metrics = metricsOf(measurement);
    const violation = limits.reduce((sum, limit) => {
      const value = metrics[limit.metric];
      // A board without a meter cannot show that it keeps an energy limit.
      return sum + (value === undefined ? 1 : violationOf(limit, value));
    }, 0);
    const loss = aims.reduce((sum, { metric, direction }) => {
      const value = metrics[metric];
      if (value === undefined) return sum;
      const log = Math.log(Math.max(value, Number.MIN_VALUE));
      return sum + (direction === 'minimize' ? log : -log);
    }, 0);
    return { violation, loss };
  };
}

/** Negative where `a` is better. */
export function compareScores(a: ConfigScore, b: ConfigScore): number {
  if (a.violation !== b.violation) return a.violation - b.violation;
  return a.loss === b.loss ? 0 : a.loss - b.loss;
}
