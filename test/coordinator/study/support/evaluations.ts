/** Evaluations of models that nobody has. */
import type { Quality } from '../../../../coordinator/study/outcome/quality.ts';
import type { Evaluation } from '../../../../coordinator/training/training-service.ts';

/** Of two classes, all samples in the first. */
export function evaluation(accuracy: number, samples = 10): Evaluation {
  const right = Math.round(accuracy * samples);
  return {
    samples,
    metrics: { accuracy, loss: 1 - accuracy, f1: accuracy },
    confusion: [
      [right, samples - right],
      [0, 0],
    ],
  };
}

/** Accuracies by precision as qualities. */
export function qualities<T extends string>(accuracies: Record<T, number>): Record<T, Quality> {
  const entries = Object.entries(accuracies) as [T, number][];
  return Object.fromEntries(entries.map(([precision, accuracy]) => [precision, { accuracy }])) as Record<T, Quality>;
}
