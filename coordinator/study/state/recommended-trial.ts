/** What is known of a trial only since it was recommended. */
import { constraintsOn, metricsOf, violationOfMeasured } from '@edgetune/shared/domain/measurement-metrics.ts';
import { violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { deviceMetrics, trialViolation } from './trial-metrics.ts';

/** The trial with the metrics of its trained model on each device, and with how far these violate the constraints. */
export function asRecommended(
  trial: TrialView,
  { devices }: Pick<RecommendedModel, 'devices'>,
  spec: Pick<StudySpec, 'constraints' | 'devices'>,
): TrialView {
  const measured: Metrics = Object.assign(
    {},
    ...devices.map(({ device, measurement }) => deviceMetrics(device, metricsOf(measurement))),
  );
  const metrics = { ...trial.metrics, ...measured };
  const missed = spec.devices.map((name) => {
    const limits = constraintsOn(spec.constraints, name);
    const found = devices.find(({ device }) => device === name);
    // Without a measurement of the trained model what the search was told counts, and what it does not know misses nothing.
    return found
      ? violationOfMeasured(limits, metricsOf(found.measurement))
      : violationOfMetrics(limits, [name], metrics);
  });
  return {
    ...trial,
    metrics,
    predicted: trial.predicted.filter((name) => !Object.hasOwn(measured, name)),
    violation: missed.reduce((sum, each) => sum + each, trialViolation(spec.constraints, metrics)),
  };
}
