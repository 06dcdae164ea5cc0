/** The metrics that there are, for forms, `--help` and clients of the API. */
import { computedOnly, METRICS, type MetricInfo } from './objective.ts';
import type { Part } from './part.ts';
import { baseUnitOf, unitsOf } from './units.ts';

export interface MetricView extends Part, Pick<MetricInfo, 'direction' | 'of'> {
  /** In which values are told; empty: a plain number or a fraction. */
  unit: string;
  /** In which a constraint may be written. */
  units: string[];
  /** Whether a constraint may limit it, or only an objective name it. */
  isLimitable: boolean;
  /** Whether forms offer it at once. */
  isCommon: boolean;
}

export const METRIC_LIST: readonly MetricView[] = Object.entries(METRICS).map(
  ([name, { description, isCommon = false, dimension, direction, of }]) => ({
    name,
    description,
    direction,
    of,
    unit: baseUnitOf(dimension),
    units: unitsOf(dimension).filter((unit) => unit !== ''),
    isLimitable: computedOnly(name) === undefined,
    isCommon,
  }),
);

/** An objective of a metric, as it is written and in words: "Lowest median latency". */
export function objectiveOffer(metric: Pick<MetricView, 'name' | 'description' | 'direction' | 'isCommon'>) {
  return {
    value: `${metric.direction} ${metric.name}`,
    label: `${metric.direction === 'minimize' ? 'Lowest' : 'Highest'} ${metric.description}`,
    isCommon: metric.isCommon,
  };
}

/** Metrics that a bench, which trains nothing, can tell. */
export const BENCH_METRICS: readonly MetricView[] = METRIC_LIST.filter(
  (metric) => metric.of === 'device' && metric.isLimitable,
);

/** The metrics as parts: with whose they are, which way is better, and their units. */
export function metricParts(metrics: readonly MetricView[]): Part[] {
  return metrics.map((metric) => ({
    name: metric.name,
    description: [
      metric.description,
      metric.of === 'device' ? 'per device' : 'of the model',
      metric.direction === 'minimize' ? 'lower is better' : 'higher is better',
      metric.isLimitable ? unitsText(metric) : 'for objectives only',
    ].join('; '),
  }));
}

function unitsText({ unit, units }: MetricView): string {
  return unit === '' ? `a number, or with ${units.join(', ')}` : `in ${units.join(', ')}`;
}
