/** What comes nearest to the constraints where nothing meets them, and which limits a model misses by how much. */
import { type Constraint, METRICS, metricInfo, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import { MOST_VIOLATION } from '../state/trial-metrics.ts';

/** Trials by how little they violate the constraints; none that failed, was stopped, or that a device cannot run at all. */
export function nearest(trials: readonly TrialView[]): FrontEntry[] {
  return trials
    .flatMap((trial) => {
      const { status, violation } = trial;
      const isComparable = status === 'finished' || status === 'infeasible';
      return isComparable && violation !== null && violation < MOST_VIOLATION ? [{ ...trial, violation }] : [];
    })
    .sort((a, b) => a.violation - b.violation)
    .map(({ trialId, rung, candidate, metrics, predicted }) => ({
      ...{ trialId, rung, candidate, metrics, predicted, values: [] },
    }));
}

/** The limits that these metrics miss, such as "latency.p99 on kitchen-pi is 45 ms, 50 % beyond the limit of 30 ms". */
export function misses(
  { constraints, devices }: Pick<StudySpec, 'constraints' | 'devices'>,
  metrics: Metrics,
): string[] {
  return constraints.flatMap((constraint) =>
    placesOf(constraint, devices).flatMap(({ name, where }) => {
      const value = metrics[name];
      if (value === undefined) return [];
      const violation = violationOf(constraint, value);
      if (violation === 0) return [];
      const { dimension } = metricInfo(constraint.metric);
      const [is, limit] = [value, constraint.limit].map((quantity) => formatQuantity(quantity, dimension));
      const by = Number.isFinite(violation) && violation < MOST_VIOLATION ? `${percent(violation)} beyond` : 'beyond';
      return [`${constraint.metric}${where} is ${is}, ${by} the limit of ${limit}`];
    }),
  );
}

function placesOf({ metric, device }: Constraint, devices: readonly string[]): { name: string; where: string }[] {
  if (METRICS[metric]?.of !== 'device') return [{ name: metric, where: '' }];
  return (device === undefined ? devices : [device]).map((on) => ({ name: `${metric}@${on}`, where: ` on ${on}` }));
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
