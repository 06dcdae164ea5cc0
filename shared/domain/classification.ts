/** How well a classifier does, class by class: what its answers on a split say of it. */
import { z } from 'zod';

/** Samples by their class (rows) and by what was answered (columns), in the order of the classes. */
export const confusionSchema = z.array(z.array(z.int().min(0)));
export type Confusion = z.infer<typeof confusionSchema>;

export interface ClassScores {
  /** Samples of the class. */
  samples: number;
  /** Share of its answers that were right; null where it was never answered. */
  precision: number | null;
  /** Share of its samples that were recognised; null where it has none. */
  recall: number | null;
  /** Harmonic mean of the two, and 0 where one of them is 0 or null; null where both are. */
  f1: number | null;
}

/** @param confusion square, see `confusionSchema` */
export function classScores(confusion: Confusion): ClassScores[] {
  return confusion.map((row, label) => {
    const right = row[label] as number;
    const samples = row.reduce((sum, count) => sum + count, 0);
    const answers = confusion.reduce((sum, other) => sum + (other[label] as number), 0);
    return {
      samples,
      precision: answers > 0 ? right / answers : null,
      recall: samples > 0 ? right / samples : null,
      f1: samples + answers > 0 ? (2 * right) / (samples + answers) : null,
    };
  });
}

/**
 * Mean F1 over the classes that have samples or answers, each alike, as scikit-learn's `f1_score(average='macro',
 * zero_division=0)` counts it (https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html).
 * @returns NaN where there is no sample at all
 */
export function macroF1(confusion: Confusion): number {
  const scores = classScores(confusion).flatMap(({ f1 }) => f1 ?? []);
  return scores.reduce((sum, f1) => sum + f1, 0) / scores.length;
}

/** Metrics that are told of each class, and what they are. */
export const CLASS_METRICS = {
  precision: 'share of the answers CLASS that are right',
  recall: 'share of the samples of CLASS that are recognised',
} as const;
export type ClassMetricKind = keyof typeof CLASS_METRICS;

/** Names that need no quotes. */
const PLAIN = /^\w+$/;

/** The metric of one class: `recall.dog`, `precision."hot dog"`; null where the class cannot be written so. */
export function classMetric(kind: ClassMetricKind, className: string): string | null {
  if (PLAIN.test(className)) return `${kind}.${className}`;
  return className === '' || /["@]/.test(className) ? null : `${kind}."${className}"`;
}

/** Which metric of which class a name means, quoted or not; null where it means none. */
export function parseClassMetric(name: string): { kind: ClassMetricKind; className: string } | null {
  const [, kind, quoted, plain] = /^(precision|recall)\.(?:"([^"@]+)"|(\w+))$/.exec(name) ?? [];
  return kind === undefined ? null : { kind: kind as ClassMetricKind, className: (quoted ?? plain) as string };
}

/**
 * The metrics of each class by their names; none of a class that has neither samples nor answers, or cannot be named. A class
 * that was never answered has no right answers: a precision of 0, as in F1. One without samples has no recall.
 */
export function classMetricsOf(confusion: Confusion, classes: readonly string[]): Record<string, number> {
  const told = classScores(confusion).flatMap(({ samples, precision, recall }, label) => {
    const values = { precision: samples > 0 ? (precision ?? 0) : precision, recall };
    return Object.entries(values).flatMap(([kind, value]): [string, number][] => {
      const name = classMetric(kind as ClassMetricKind, classes[label] as string);
      return name === null || value === null ? [] : [[name, value]];
    });
  });
  return Object.fromEntries(told);
}

/** Of at least so many classes the right one among the first five says something. */
export const LEAST_CLASSES_FOR_TOP_5 = 6;
