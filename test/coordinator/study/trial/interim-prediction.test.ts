import assert from 'node:assert/strict';
import { it } from 'node:test';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { CALIBRATION_POOL } from '../../../../coordinator/export/calibration-pool.ts';
import { architectureCoordinates } from '../../../../coordinator/inference/predictor/coordinates.ts';
import { predictDeviceMetrics } from '../../../../coordinator/study/trial/interim-prediction.ts';

const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 2 });
const profile = boardProfileNamed('raspberry-pi-4');
/** Residual and separable networks on a Raspberry Pi 4. */
const known = CALIBRATION_POOL.filter(({ name }) => /(residual|separable) (16|32)x/.test(name)).map(({ build }) => {
  const analysis = analyseModel(build(), { batchSize: 1 });
  const { latencyMs, memoryBytes } = predict(profile, analysis, config);
  return {
    coordinates: architectureCoordinates(analysis),
    config,
    metrics: { 'latency.p50': latencyMs, memory: memoryBytes },
  };
});

it('gives back what it knows, and comes near what it does not, other kinds of blocks included', () => {
  const errors = known.map(({ coordinates, metrics }, index) => {
    const same = predictDeviceMetrics(known, coordinates, 4)?.['latency.p50'] ?? 0;
    assert.ok(Math.abs(same / metrics['latency.p50'] - 1) < 0.15, `${same} of ${metrics['latency.p50']}`);
    const others = known.filter((_, other) => other !== index);
    return Math.abs((predictDeviceMetrics(others, coordinates, 4)?.['latency.p50'] ?? 0) / metrics['latency.p50'] - 1);
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  assert.ok(mean < 0.3, `${mean} off on average`);
});

it('knows nothing from nothing, something from one, and leaves out what was not measured', () => {
  const [one, two] = known as [(typeof known)[number], (typeof known)[number]];
  assert.equal(predictDeviceMetrics([], one.coordinates, 4), null);
  assert.ok((predictDeviceMetrics([one], two.coordinates, 4)?.memory ?? 0) > 0);
  const unmeasured = { ...one, metrics: { memory: 5 } };
  assert.deepEqual(Object.keys(predictDeviceMetrics([unmeasured], two.coordinates, 4) ?? {}), ['memory']);
});
