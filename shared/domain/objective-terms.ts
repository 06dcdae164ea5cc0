/** From the metrics of a trial to values that can be compared. */
import { type Constraint, METRICS, type Objective, violationOf } from './objective.ts';
import type { Metrics } from './study-event.ts';

/** One number of a trial that is optimised. */
export interface ObjectiveTerm {
  /** Such as `accuracy`, `latency.p99@kitchen-pi`, `latency.p99 (worst)`. */
  readonly name: string;
  readonly metric: string;
  readonly direction: 'minimize' | 'maximize';
  /** Place of the objective that it belongs to among those of the study. */
  readonly objective: number;
  /** The value as told; undefined where a metric that it needs is missing. */
  valueOf(metrics: Metrics): number | undefined;
}

/** The terms of the objectives, in their order; `each` becomes a term per device. */
export function objectiveTerms(objectives: readonly Objective[], devices: readonly string[]): ObjectiveTerm[] {
  return objectives.flatMap(({ metric, direction, aggregate, device }, objective): ObjectiveTerm[] => {
    const single = (on?: string) => ({
      name: on === undefined ? metric : `${metric}@${on}`,
      metric,
      direction,
      objective,
      valueOf: (metrics: Metrics) => metricValue(metrics, metric, on),
    });
    if (METRICS[metric]?.of !== 'device') return [single()];
    if (device !== undefined) return [single(device)];
    if (devices.length === 0) return [];
    if (aggregate === 'each' || devices.length === 1) return devices.map((name) => single(name));
    return [
      {
        name: `${metric} (${aggregate})`,
        metric,
        direction,
        objective,
        valueOf: aggregated(metric, devices, direction, aggregate),
      },
    ];
  });
}

/**
 * The terms by which these metrics can be compared: a device of which none of them knows anything decides nothing, and
 * neither does an objective that is about such a device alone.
 */
export function termsKnownTo(
  objectives: readonly Objective[],
  devices: readonly string[],
  all: readonly Metrics[],
): ObjectiveTerm[] {
  const names = new Set(all.flatMap((metrics) => Object.keys(metrics)));
  const isKnown = (device: string) => [...names].some((name) => name.endsWith(`@${device}`));
  const known = devices.filter(isKnown);
  return objectiveTerms(objectives, known).filter(({ objective }) => {
    const { device } = objectives[objective] as Objective;
    return device === undefined || known.includes(device);
  });
}

/** A metric of the trial or of a device: told, or computed where it is a named scalarisation. */
function metricValue(metrics: Metrics, metric: string, device: string | undefined): number | undefined {
  if (device === undefined) return metrics[metric];
  const ratio = METRICS[metric]?.ratio;
  if (ratio === undefined) return metrics[`${metric}@${device}`];
  const [cost, price, gain] = [metrics[ratio.ofTrial], metrics[`${ratio.ofDevice}@${device}`], metrics[ratio.over]];
  return cost === undefined || price === undefined || gain === undefined ? undefined : (cost * price) / gain;
}

function aggregated(
  metric: string,
  devices: readonly string[],
  direction: Objective['direction'],
  aggregate: 'worst' | 'mean',
) {
  return (metrics: Metrics): number | undefined => {
    const values: number[] = [];
    for (const device of devices) {
      const value = metricValue(metrics, metric, device);
      if (value === undefined) return undefined;
      values.push(value);
    }
    if (aggregate === 'mean') return values.reduce((sum, value) => sum + value, 0) / values.length;
    return direction === 'minimize' ? Math.max(...values) : Math.min(...values);
  };
}

/** The values to be minimised; null where one is missing or not finite. */
export function lossesOf(terms: readonly ObjectiveTerm[], metrics: Metrics): number[] | null {
  const losses: number[] = [];
  for (const term of terms) {
    const value = term.valueOf(metrics);
    if (value === undefined || !Number.isFinite(value)) return null;
    losses.push(term.direction === 'minimize' ? value : -value);
  }
  return losses;
}

/**
 * Sum of the relative violations of the constraints by these metrics: for a program that tells metrics only.
 * A metric that is missing violates nothing; one that is not a number violates without bound.
 */
export function violationOfMetrics(
  constraints: readonly Constraint[],
  devices: readonly string[],
  metrics: Metrics,
): number {
  let sum = 0;
  for (const constraint of constraints)
    for (const name of metricNames(constraint, devices)) {
      const value = metrics[name];
      if (value !== undefined) sum += violationOf(constraint, value);
    }
  return sum;
}

/** The names under which the metric of an objective or a constraint is told: of a device's, one for each. */
function metricNames({ metric, device }: Pick<Objective, 'metric' | 'device'>, devices: readonly string[]): string[] {
  if (METRICS[metric]?.of !== 'device') return [metric];
  return (device === undefined ? devices : [device]).map((name) => `${metric}@${name}`);
}

/** Metrics that constraints limit and nobody has told: whether these hold is not known. */
export function unknownLimited(
  constraints: readonly Constraint[],
  devices: readonly string[],
  metrics: Metrics,
): string[] {
  const names = constraints.flatMap((constraint) => metricNames(constraint, devices));
  return [...new Set(names)].filter((name) => !Object.hasOwn(metrics, name));
}

/** Metrics without which the objectives have no value: of those that are computed, the parts. */
export function neededMetrics(objectives: readonly Objective[], devices: readonly string[]): string[] {
  const names = objectives.flatMap((objective) => {
    const ratio = METRICS[objective.metric]?.ratio;
    if (!ratio) return metricNames(objective, devices);
    return [ratio.ofTrial, ratio.over, ...metricNames({ ...objective, metric: ratio.ofDevice }, devices)];
  });
  return [...new Set(names)];
}
