/** What a recommended trial shows besides what its search found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConstraint } from '@edgetune/shared/domain/objective.ts';
import type { RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { asRecommended } from '../../../../coordinator/study/state/recommended-trial.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { asked, CONFIG, projected, told } from '../support/events.ts';

test('the metrics of its trained model replace what was predicted, and are held against the constraints', () => {
  const metrics = { accuracy: 0.5, 'latency.p50@pi': 1, 'memory@orin': 7 };
  const projection = projected(asked(3), told(3, metrics, { predicted: ['latency.p50@pi', 'memory@orin'] }));
  const trial = projection.trials.get(3) as TrialView;
  const devices: RecommendedModel['devices'] = [
    {
      device: 'pi',
      config: CONFIG,
      measurement: storedMeasurement(measurementAt(3, { peakMemoryBytes: null })),
      feasible: true,
      alternatives: [],
      precisionReason: null,
    },
  ];
  const spec = { devices: ['pi', 'orin'], constraints: [parseConstraint('latency.p50 <= 2 ms')] };
  const shown = asRecommended(trial, { devices }, spec);
  assert.deepEqual(
    [shown.metrics['latency.p50@pi'], shown.metrics['latency.p99@pi'], shown.metrics.accuracy],
    [3, 3, 0.5],
  );
  assert.deepEqual([shown.predicted, shown.violation, shown.trialId], [['memory@orin'], 0.5, 3]);
  assert.equal(trial.metrics['latency.p50@pi'], 1, 'what the search was told stays as it was');
});

test('what was not measured of the trained model keeps no limit, as the recommendation has it', () => {
  const projection = projected(asked(3), told(3, { accuracy: 0.5, 'energy@pi': 1 }, { predicted: ['energy@pi'] }));
  const trial = projection.trials.get(3) as TrialView;
  const measured = (device: string): RecommendedModel['devices'][number] => ({
    device,
    config: CONFIG,
    measurement: storedMeasurement(measurementAt(3)),
    feasible: false,
    alternatives: [],
    precisionReason: null,
  });
  const constraints = ['energy <= 2 J', 'accuracy >= 1', 'latency.p50 <= 2 ms on pi'].map(parseConstraint);
  const violation = (...devices: string[]) =>
    asRecommended(trial, { devices: devices.map(measured) }, { devices: ['pi', 'orin'], constraints }).violation;
  // Half of the accuracy, half more than the latency; energy is measured on neither.
  assert.deepEqual([violation(), violation('pi'), violation('pi', 'orin')], [0.5, 0.5 + 1.5, 0.5 + 2.5]);
});
