/** How well exported files do their task: what constraints, objectives and the choice of a precision read of it. */
import { classMetricsOf } from '@edgetune/shared/domain/classification.ts';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import type { RecommendedModel, SplitScores } from '@edgetune/shared/domain/recommendation.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

/** Metrics of a file on the validation split. */
export type Quality = Metrics & { accuracy: number };
/** Of a model's file in each precision; as in float32 where nothing else is said. */
export type Qualities = Partial<Record<Precision, Quality>> & { float32: Quality };

/** What is kept of an evaluation: metrics of single classes are in the confusions. */
export function scoresOf({ samples, metrics, confusion }: SplitScores): SplitScores {
  const ofAll = Object.entries(metrics).filter(([name]) => !name.includes('.'));
  return { samples, metrics: Object.fromEntries(ofAll), confusion };
}

/** Of a file that was recommended before: its accuracy only, where an older coordinator has evaluated it. */
export function qualityOf(
  { validationAccuracy, scores }: Pick<RecommendedModel, 'validationAccuracy' | 'scores'>,
  classes: readonly string[] = [],
): Quality {
  const { metrics = {}, confusion = [] } = scores?.validation ?? {};
  return { ...metrics, ...classMetricsOf(confusion, classes), accuracy: validationAccuracy };
}

/** Of files for different devices: metric by metric that of the one which does worst. */
export function worstOf(qualities: readonly Quality[]): Metrics {
  const names = new Set(qualities.flatMap((quality) => Object.keys(quality)));
  const worst = (name: string) => {
    const values = qualities.flatMap((quality) => quality[name] ?? []);
    return metricInfo(name).direction === 'maximize' ? Math.min(...values) : Math.max(...values);
  };
  return Object.fromEntries([...names].map((name) => [name, worst(name)]));
}
