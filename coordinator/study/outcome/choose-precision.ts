/** Which precision a device is recommended: what its users asked for, at no more accuracy than they would give for it. */
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { type ConfigScore, compareScores, createScorer, goalsOf } from '../../inference/search/config-score.ts';
import { trialViolation } from '../state/trial-metrics.ts';

/** Validation accuracy of the model's file in each precision. */
export type Accuracies = Partial<Record<Precision, number>>;

export interface Choice {
  measurement: StoredMeasurement;
  /** Whether it meets the constraints on this device. */
  feasible: boolean;
  /** Why this precision and not the other; null where there was no other. */
  why: string | null;
  /** The best measurement in each of the other precisions. */
  rivals: StoredMeasurement[];
}

interface Candidate {
  measurement: StoredMeasurement;
  precision: Precision;
  accuracy: number;
  feasible: boolean;
  /** Its violation is that of the device's constraints and of those on the accuracy and size of the file. */
  score: ConfigScore;
}

/**
 * @param bytesIn size of the model's file in a precision
 * @returns null where nothing was measured
 */
export function choosePrecision(
  spec: Pick<StudySpec, 'objectives' | 'constraints' | 'quantisation'>,
  deviceName: string,
  measurements: readonly StoredMeasurement[],
  accuracies: Accuracies,
  bytesIn: (precision: Precision) => number,
): Choice | null {
  const score = createScorer(goalsOf(spec.objectives, spec.constraints, deviceName));
  const best = new Map<Precision, Candidate>();
  for (const measurement of measurements.filter(({ outcome }) => outcome === 'ok')) {
    const { precision } = measurement.config;
    const accuracy = accuracies[precision] ?? accuracies.float32 ?? 0;
    const { violation, loss } = score(measurement);
    const file = { accuracy, modelSize: bytesIn(precision) };
    const own = { violation: violation + trialViolation(spec.constraints, file), loss };
    const known = best.get(precision);
    if (!known || compareScores(own, known.score) < 0)
      best.set(precision, { measurement, precision, accuracy, feasible: violation === 0, score: own });
  }
  const int8 = best.get('int8');
  const float = best.get('float32') ?? best.get('float16');
  const [chosen, why] = int8 && float ? decide(spec, float, int8) : [int8 ?? float, null];
  if (!chosen) return null;
  const rivals = [...best.values()].filter((each) => each !== chosen).map(({ measurement }) => measurement);
  return { measurement: chosen.measurement, feasible: chosen.feasible, why, rivals };
}

function decide(
  { quantisation: { maxAccuracyDrop } }: Pick<StudySpec, 'quantisation'>,
  float: Candidate,
  int8: Candidate,
): [Candidate, string] {
  const drop = float.accuracy - int8.accuracy;
  const costs = drop > 0 ? `costs ${points(drop)} of validation accuracy` : 'costs no validation accuracy';
  const compared = `${latency(int8)} in int8, ${latency(float)} in ${float.precision}`;
  if (int8.score.violation < float.score.violation)
    return [int8, `${float.precision} violates the constraints by more (${compared}); int8 ${costs}`];
  if (int8.score.violation > float.score.violation)
    return [float, `int8 violates the constraints by more (${compared}); it ${costs}`];
  if (drop > maxAccuracyDrop)
    return [float, `int8 ${costs}, more than the ${points(maxAccuracyDrop)} that the study gives for it (${compared})`];
  if (int8.score.loss < float.score.loss) return [int8, `int8 is better here (${compared}) and ${costs}`];
  return [float, `int8 is no better here (${compared})`];
}

function points(accuracy: number): string {
  return `${Number((100 * accuracy).toFixed(2))} points`;
}

function latency({ measurement }: Candidate): string {
  return measurement.latencyMs ? formatQuantity(measurement.latencyMs.p50, 'time') : 'no latency';
}
