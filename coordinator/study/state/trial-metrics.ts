/** The metrics of a trial as the tuner is told them: of its graph, its training and, per device, its inference. */

import { type Precision, precisionSchema } from '@edgetune/shared/domain/inference-config.ts';
import { type Constraint, metricInfo, violationOf } from '@edgetune/shared/domain/objective.ts';
import { mayTake, type SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile, NoVariant } from '../../inference/model-variants.ts';

/**
 * The most that a violation of constraints counts: that of an architecture which a device cannot run at all, or of a
 * limit of 0 that is missed. Events are JSON, which has no infinity.
 */
export const MOST_VIOLATION = 1e6;

/** What the graph alone says. */
export interface ArchitectureFacts {
  signature: string;
  modelSha256: string;
  modelBytes: number;
  /** By which the exported file is larger than the untrained one; absent: by none that is known. */
  metadataBytes?: number | undefined;
  parameters: number;
  macs: number;
  coordinates?: readonly number[] | undefined;
  /** The same architecture in int8, or why there is none; absent where the study does not ask for it. */
  int8?: ModelFile | NoVariant | undefined;
}

/** What inference configs of a study may ask for; float32 where its space leaves the precision out. */
export function precisionsOf(space: SearchSpace): Precision[] {
  const listed = precisionSchema.options.filter((precision) => mayTake(space, 'precision', precision));
  return listed.length > 0 ? listed : ['float32'];
}

/** Size of the file that configs of this precision run when it is exported: the limit `modelSize` is on that. */
export function bytesIn(
  { modelBytes, metadataBytes = 0, int8 }: Pick<ArchitectureFacts, 'modelBytes' | 'metadataBytes' | 'int8'>,
  precision: Precision,
) {
  return (precision === 'int8' && int8 && !('reason' in int8) ? int8.modelBytes : modelBytes) + metadataBytes;
}

/** @param precisions of which the smallest file counts: what may still come of the architecture */
export function graphMetrics(facts: ArchitectureFacts, precisions: readonly Precision[]): Metrics {
  const { parameters, macs } = facts;
  return { parameters, macs, modelSize: Math.min(...precisions.map((precision) => bytesIn(facts, precision))) };
}

/** A device's metrics under the names by which the tuner knows them: `latency.p99@kitchen-pi`. */
export function deviceMetrics(device: string, metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${name}@${device}`, value]));
}

/** What training a trial has cost so far; deterministic mode knows no costs, which no machine repeats. */
export function trainingCosts(
  { deterministic }: Pick<StudySpec, 'deterministic'>,
  trainings: readonly { trialId: number; seconds: number; energyJ: number }[],
  trialId: number,
): Metrics {
  if (deterministic) return {};
  const own = trainings.filter((rung) => rung.trialId === trialId);
  return {
    trainingTime: own.reduce((sum, { seconds }) => sum + seconds, 0) * 1000,
    trainingEnergy: own.reduce((sum, { energyJ }) => sum + energyJ, 0),
  };
}

/** Metrics that are known before the first epoch: a constraint on them that fails makes training pointless. */
const KNOWN_BEFORE_TRAINING = ['parameters', 'macs', 'modelSize'];

/** Sum of relative violations of the constraints on the trial itself; a metric that is not known yet violates nothing. */
export function trialViolation(
  constraints: readonly Constraint[],
  metrics: Metrics,
  names?: readonly string[],
): number {
  return constraints
    .filter(({ metric }) => metricInfo(metric).of === 'trial' && (names === undefined || names.includes(metric)))
    .reduce((sum, constraint) => {
      const value = metrics[constraint.metric];
      return value === undefined ? sum : sum + violationOf(constraint, value);
    }, 0);
}

/** As `trialViolation`, of what the graph alone decides: the least over the precisions that the study allows. */
export function graphViolation(
  constraints: readonly Constraint[],
  facts: ArchitectureFacts,
  precisions: readonly Precision[],
): number {
  return Math.min(
    ...precisions.map((precision) =>
      trialViolation(constraints, graphMetrics(facts, [precision]), KNOWN_BEFORE_TRAINING),
    ),
  );
}
