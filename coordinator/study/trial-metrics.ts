/** The metrics of a trial as the tuner is told them: of its graph, its training and, per device, its inference. */

import { type Constraint, METRICS, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile, NoVariant } from '../inference/model-variants.ts';

/** What the graph alone says. */
export interface ArchitectureFacts {
  signature: string;
  modelSha256: string;
  modelBytes: number;
  parameters: number;
  macs: number;
  coordinates?: readonly number[] | undefined;
  /** The same architecture in int8, or why there is none; absent where the study does not ask for it. */
  int8?: ModelFile | NoVariant | undefined;
}

export function graphMetrics({ parameters, macs, modelBytes }: ArchitectureFacts): Metrics {
  return { parameters, macs, modelSize: modelBytes };
}

/** A device's metrics under the names by which the tuner knows them: `latency.p99@kitchen-pi`. */
export function deviceMetrics(device: string, metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${name}@${device}`, value]));
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
    .filter(({ metric }) => METRICS[metric]?.of === 'trial' && (names === undefined || names.includes(metric)))
    .reduce((sum, constraint) => {
      const value = metrics[constraint.metric];
      return value === undefined ? sum : sum + violationOf(constraint, value);
    }, 0);
}

/** As `trialViolation`, of what the graph alone decides. */
export function graphViolation(constraints: readonly Constraint[], facts: ArchitectureFacts): number {
  return trialViolation(constraints, graphMetrics(facts), KNOWN_BEFORE_TRAINING);
}
