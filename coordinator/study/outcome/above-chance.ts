/**
 * Whether a model has learned anything: its validation accuracy is above that of always answering the largest class, at
 * 95 % for that many samples. One-sided exact binomial test (Clopper & Pearson, 1934,
 * https://doi.org/10.1093/biomet/26.4.404): that of Wilson would be too sure where few samples are right.
 */
import type { DatasetEvidence } from '@edgetune/shared/domain/dataset-report.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { binomialTail } from '@edgetune/shared/math/binomial.ts';

/** What chance alone gives on the validation split. */
export interface Chance {
  samples: number;
  largest: { name: string; samples: number };
}

/** Chances of a wrong word that a model is better. */
const LEVEL = 0.05;

/** Null where the data set has no classes, or no validation samples. */
export function chanceOf({
  classes,
  samplesByClass: { validation },
}: Pick<DatasetEvidence, 'classes' | 'samplesByClass'>): Chance | null {
  const samples = validation.reduce((sum, count) => sum + count, 0);
  if (samples === 0) return null;
  const most = Math.max(...validation);
  const label = validation.indexOf(most);
  return { samples, largest: { name: classes[label] ?? String(label), samples: most } };
}

/** Why a model of this validation accuracy is no better than chance; null: it is better. */
export function whyNoBetter(accuracy: number, { samples, largest }: Chance): string | null {
  const right = Math.round(accuracy * samples);
  const share = largest.samples / samples;
  const p = binomialTail(right, samples, share);
  if (p < LEVEL) return null;
  const [reached, without] = [right, largest.samples].map(
    (count) => `${formatQuantity(count / samples, 'ratio')} (${count} of ${samples})`,
  );
  return `its validation accuracy of ${reached} is not above the ${without} that always answering "${largest.name}" reaches, at 95 % for that many samples (one-sided exact binomial test, p = ${p.toPrecision(2)})`;
}
