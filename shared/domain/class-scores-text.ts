/** How well a recommended model tells classes apart, as it reads: the same in the report, in the terminal and on the page. */
import { type Confusion, classScores } from './classification.ts';
import type { RecommendedModel, SplitScores } from './recommendation.ts';
import { formatQuantity } from './units.ts';

/** Of so many classes a whole confusion matrix can still be read. */
export const MOST_IN_MATRIX = 20;

const ratio = (value: number | null | undefined) =>
  value === null || value === undefined ? '–' : formatQuantity(value, 'ratio');

/** Beside the accuracy on the same split: "F1 91.2 % (mean over the classes), top-5 99 %"; null where older coordinators made it. */
export function scoresText(scores: RecommendedModel['scores'], split: 'validation' | 'test'): string | null {
  const metrics = scores?.[split].metrics;
  if (metrics?.f1 === undefined) return null;
  return `F1 ${ratio(metrics.f1)} (mean over the classes)${metrics.top5 === undefined ? '' : `, top-5 ${ratio(metrics.top5)}`}`;
}

/** Of the table of a model's classes. */
export const CLASS_COLUMNS = ['class', 'samples', 'precision', 'recall', 'F1', 'most often taken for'] as const;

/** A row for each class: how many samples it has, and how they are answered; a dash where that says nothing. */
export function classRows(classes: readonly string[], { confusion }: Pick<SplitScores, 'confusion'>): string[][] {
  return classScores(confusion).map(({ samples, precision, recall, f1 }, label) => {
    const [worst] = mistakes(confusion, label);
    return [
      classes[label] as string,
      String(samples),
      ratio(precision),
      ratio(recall),
      ratio(f1),
      worst ? `${classes[worst.answer]} (${worst.count})` : '–',
    ];
  });
}

/** What samples of a class were answered wrongly, the most frequent first. */
function mistakes(confusion: Confusion, label: number): { answer: number; count: number }[] {
  return (confusion[label] as number[])
    .map((count, answer) => ({ answer, count }))
    .filter(({ answer, count }) => answer !== label && count > 0)
    .sort((a, b) => b.count - a.count);
}
