/** What is known of a trial only since it was recommended. */
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { deviceMetrics } from './trial-metrics.ts';

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
  return {
    ...trial,
    metrics,
    predicted: trial.predicted.filter((name) => !Object.hasOwn(measured, name)),
    violation: violationOfMetrics(spec.constraints, spec.devices, metrics),
  };
}
