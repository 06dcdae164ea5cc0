/** The metrics that there are, for forms, `--help` and clients of the API. */
import { CLASS_METRICS } from './classification.ts';
import { computedOnly, METRICS, type MetricInfo, metricInfo } from './objective.ts';
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
  /** Whether it is one for each class of the data set: CLASS in its name stands for a class. */
  isOfClass: boolean;
}

function viewOf(name: string, { description, isCommon, dimension, direction, of }: MetricInfo): MetricView {
  return {
    name,
    description,
    direction,
    of,
    unit: baseUnitOf(dimension),
    units: unitsOf(dimension).filter((unit) => unit !== ''),
    isLimitable: computedOnly(name) === undefined,
    isCommon: isCommon ?? false,
    isOfClass: false,
  };
}

export const METRIC_LIST: readonly MetricView[] = [
  ...Object.entries(METRICS).map(([name, info]) => viewOf(name, info)),
  ...Object.entries(CLASS_METRICS).map(([kind, description]) => {
    const name = `${kind}.CLASS`;
    return { ...viewOf(name, metricInfo(name)), description, isOfClass: true };
  }),
];

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
