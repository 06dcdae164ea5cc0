/** Which precision a device is recommended: what its users asked for, at no more accuracy than they would give for it. */
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { metricInfo, type Objective } from '@edgetune/shared/domain/objective.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { bestFirst, goalsOf, violationOn } from '../../inference/search/config-score.ts';
import { decidedOn, partsOfConfigs } from '../../inference/search/decided-objectives.ts';
import { deviceMetrics, trialViolation } from '../state/trial-metrics.ts';
import type { Qualities, Quality } from './quality.ts';

export interface Choice {
  measurement: StoredMeasurement;
  /** Sum of relative violations of the constraints on this device; 0: it meets them. */
  violation: number;
  /** Why this precision and not the other; null where there was no other. */
  why: string | null;
  /** The best measurement in each of the other precisions. */
  rivals: StoredMeasurement[];
}

interface Candidate {
  measurement: StoredMeasurement;
  precision: Precision;
  quality: Quality;
  bytes: number;
  /** Of the constraints on this device. */
  onDevice: number;
  /** Of these and of those on the accuracy and size of the file. */
  violation: number;
}

type Spec = Pick<StudySpec, 'objectives' | 'prefer' | 'constraints' | 'quantisation'>;

/**
 * @param bytesIn size of the model's file in a precision
 * @returns null where nothing was measured
 */
export function choosePrecision(
  spec: Spec,
  deviceName: string,
  measurements: readonly StoredMeasurement[],
  qualities: Qualities,
  bytesIn: (precision: Precision) => number,
): Choice | null {
  const goals = goalsOf(spec, deviceName);
  const best = new Map<Precision, Candidate>();
  for (const measurement of bestFirst(goals, measurements)) {
    const { precision } = measurement.config;
    if (best.has(precision)) continue;
    const quality = qualities[precision] ?? qualities.float32;
    const bytes = bytesIn(precision);
    const onDevice = violationOn(measurement, goals.limits);
    const violation = onDevice + trialViolation(spec.constraints, { ...quality, modelSize: bytes });
    best.set(precision, { measurement, precision, quality, bytes, onDevice, violation });
  }
  const int8 = best.get('int8');
  const floats = [best.get('float32'), best.get('float16')].filter((each) => each !== undefined);
  const float = preferred(spec, deviceName, floats);
  const [chosen, why] =
    int8 && float ? decide(spec, deviceName, float, int8) : [int8 ?? float, whyUnmeasured(qualities, bytesIn)];
  if (!chosen) return null;
  const rivals = [...best.values()].filter((each) => each !== chosen).map(({ measurement }) => measurement);
  return { measurement: chosen.measurement, violation: chosen.onDevice, why, rivals };
}

/** Why there is no measurement of the int8 file, where there is such a file: nobody measures one that is larger. */
function whyUnmeasured(qualities: Qualities, bytesIn: (precision: Precision) => number): string | null {
  const [int8, float32] = [bytesIn('int8'), bytesIn('float32')];
  return qualities.int8 !== undefined && int8 > float32 ? larger(int8, float32) : null;
}

function larger(int8: number, float: number): string {
  const [one, other] = [int8, float].map((bytes) => formatQuantity(bytes, 'memory'));
  return `the int8 file is the larger one (${one}, ${other})`;
}

/** Whether time is all that is wanted of the device: then nothing speaks for what makes a model slower. */
function asksForTimeAlone(objectives: readonly Pick<Objective, 'metric'>[]): boolean {
  return objectives.every(({ metric }) => metric === 'throughput' || metric.startsWith('latency.'));
}

/** Time for a sample: the files may have been best at batches of different sizes. */
function msPerSample({ measurement: { latencyMs, config } }: Candidate): number {
  return (latencyMs?.p50 ?? 0) / config.batchSize;
}

/** Differences of accuracies below are rounding. */
const ROUNDING = 1e-9;

function decide(spec: Spec, deviceName: string, float: Candidate, int8: Candidate): [Candidate, string] {
  const { maxAccuracyDrop } = spec.quantisation;
  const drop = float.quality.accuracy - int8.quality.accuracy;
  const costs = drop > 0 ? `costs ${points(drop)} of validation accuracy` : 'costs no validation accuracy';
  const compared = `${latency(int8)} in int8, ${latency(float)} in ${float.precision}`;
  if (int8.violation < float.violation)
    return [int8, `${float.precision} violates the constraints by more (${compared}); int8 ${costs}`];
  if (int8.violation > float.violation)
    return [float, `int8 violates the constraints by more (${compared}); it ${costs}`];
  // 0.93 − 0.92 is more than 0.01 in floating point.
  if (drop > maxAccuracyDrop + ROUNDING)
    return [float, `int8 ${costs}, more than the ${points(maxAccuracyDrop)} that the study gives for it (${compared})`];
  if (int8.bytes > float.bytes) return [float, `${larger(int8.bytes, float.bytes)} (${compared})`];
  const { objectives } = decidedOn(deviceName, spec, partsOfFiles);
  const isTimeAll = asksForTimeAlone(objectives.filter(({ metric }) => !metricInfo(metric).isQuality));
  if (isTimeAll && msPerSample(int8) > msPerSample(float)) return [float, `int8 is slower here (${compared})`];
  if (preferred(spec, deviceName, [float, int8]) === int8)
    return [int8, `int8 is better here (${compared}) and ${costs}`];
  return [float, `int8 is no better here (${compared})`];
}

/**
 * The best by the preference of the study, as far as files on this device differ; undefined of none. Where accuracy leads,
 * what may be given of it is `maxAccuracyDrop`.
 */
function preferred(spec: Spec, deviceName: string, candidates: readonly Candidate[]): Candidate | undefined {
  const { objectives, prefer, leads } = decidedOn(deviceName, spec, partsOfFiles);
  const isAccuracy = objectives[0]?.metric === 'accuracy';
  return createPreference({ objectives, devices: [deviceName], prefer, leads: leads && !isAccuracy }).rank(
    candidates.map((item) => ({
      item,
      violation: item.violation,
      metrics: {
        ...item.quality,
        modelSize: item.bytes,
        ...deviceMetrics(deviceName, metricsOf(item.measurement)),
      },
    })),
  )[0];
}

/** What files of one model differ in: what configs do, how well they do the task, and size. */
function partsOfFiles(aim: Pick<Objective, 'metric' | 'direction'>): Pick<Objective, 'metric' | 'direction'>[] {
  const { of, ratio, isQuality } = metricInfo(aim.metric);
  if (of === 'trial') return isQuality || aim.metric === 'modelSize' ? [aim] : [];
  return [...partsOfConfigs(aim), ...(ratio ? [{ metric: ratio.over, direction: 'maximize' as const }] : [])];
}

function points(accuracy: number): string {
  const text = String(Number((100 * accuracy).toFixed(2)));
  return `${text} ${text === '1' ? 'point' : 'points'}`;
}

function latency({ measurement }: Candidate): string {
  return measurement.latencyMs ? formatQuantity(measurement.latencyMs.p50, 'time') : 'no latency';
}
