import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recommendationSchema } from '@edgetune/shared/domain/recommendation.ts';
import { storedMeasurement } from '../../support/measurement.ts';
import { checkBounds } from './support/schema-bounds.ts';

const SHA = 'a'.repeat(64);
const MODEL = {
  trialId: 0,
  candidate: { width: 1 },
  onnxSha256: SHA,
  onnxBytes: 1,
  modelCardSha256: SHA,
  validationAccuracy: 0.9,
  testAccuracy: 0.9,
  epochs: 1,
  parameters: 0,
  macs: 0,
  devices: [
    {
      device: 'pi',
      config: storedMeasurement().config,
      measurement: storedMeasurement(),
      feasible: true,
      alternatives: [],
    },
  ],
  feasible: true,
};
const SUMMARY = {
  trials: 0,
  infeasibleTrials: 0,
  measurements: 0,
  reusedMeasurements: 0,
  trainingSeconds: 0,
  trainingCpuSeconds: 0,
  trainingEnergyJ: 0,
  deviceSeconds: 0,
  deviceJoules: 0,
  wallSeconds: 0,
  overheadSeconds: 0,
  pausedSeconds: 0,
  trainingBackend: 'wasm',
};
const WHOLE = { models: [MODEL], syntheticData: false, summary: SUMMARY };

it('a recommendation keeps its numbers within what makes sense; what older ones do not say is null', () => {
  const parsed = recommendationSchema.parse(WHOLE);
  assert.equal(parsed.why, null);
  assert.equal(parsed.models[0]?.quantised, null);
  assert.equal(parsed.models[0]?.devices[0]?.precisionReason, null);
  const int8 = { onnxSha256: SHA, onnxBytes: 1, validationAccuracy: 1, testAccuracy: 1 };
  checkBounds(recommendationSchema, WHOLE, [
    ['models.0.trialId', [3], [-1, 0.5]],
    ['models.0.onnxBytes', [9], [0, 0.5]],
    ['models.0.parameters', [1], [-1, 0.5]],
    ['models.0.macs', [0.5], [-1]],
    ['models.0.quantised', [int8, { reason: 'r' }, null], [{ ...int8, onnxBytes: 0 }, {}]],
    ['summary.trials', [1], [-1, 0.5]],
    ['summary.infeasibleTrials', [1], [-1, 0.5]],
    ['summary.measurements', [1], [-1, 0.5]],
    ['summary.reusedMeasurements', [1], [-1, 0.5]],
    ['summary.savedMeasurements', [0, undefined], [-1, 0.5]],
  ]);
});
