import assert from 'node:assert/strict';
import { it } from 'node:test';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { predict } from '@edgetune/shared/costmodel/predict.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { CALIBRATION_POOL } from '../../../../coordinator/export/calibration-pool.ts';
import { architectureCoordinates } from '../../../../coordinator/inference/predictor/coordinates.ts';
import { learn } from '../../../../coordinator/inference/predictor/predictor.ts';
import {
  type MeasuredArchitecture,
  predictDeviceMetrics,
} from '../../../../coordinator/study/trial/interim-prediction.ts';

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
    const same = predictDeviceMetrics(known, coordinates, 4)?.metrics['latency.p50'] ?? 0;
    assert.ok(Math.abs(same / metrics['latency.p50'] - 1) < 0.15, `${same} of ${metrics['latency.p50']}`);
    const others = known.filter((_, other) => other !== index);
    return Math.abs(
      (predictDeviceMetrics(others, coordinates, 4)?.metrics['latency.p50'] ?? 0) / metrics['latency.p50'] - 1,
    );
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  assert.ok(mean < 0.3, `${mean} off on average`);
});

it('knows nothing from nothing, something from one, and leaves out what was not measured', () => {
  const [one, two] = known as [(typeof known)[number], (typeof known)[number]];
  assert.equal(predictDeviceMetrics([], one.coordinates, 4), null);
  assert.ok((predictDeviceMetrics([one], two.coordinates, 4)?.metrics.memory ?? 0) > 0);
  const unmeasured = { ...one, metrics: { memory: 5 } };
  assert.deepEqual(Object.keys(predictDeviceMetrics([unmeasured], two.coordinates, 4)?.metrics ?? {}), ['memory']);
});

/** An architecture of 2^size MACs that takes `latency` ms. */
const sized = (size: number, latency: number, change: Partial<MeasuredArchitecture> = {}): MeasuredArchitecture => ({
  coordinates: [size, 10, 10, 3, 0, 0],
  config,
  metrics: { 'latency.p50': latency },
  ...change,
});
const latencyAt = (size: number, from: readonly MeasuredArchitecture[]) =>
  predictDeviceMetrics(from, sized(size, 0).coordinates, 4)?.metrics['latency.p50'];

it('predicts at the config, and in the metrics, of the architecture nearest in size', () => {
  const large = inferenceConfigSchema.parse({ batchSize: 8, threads: 1 });
  const few = [sized(8, 2, { metrics: { 'latency.p50': 2, memory: 5 } }), sized(12, 9, { config: large })];
  const examples = (order: readonly MeasuredArchitecture[]) =>
    order.map(({ coordinates: architecture, config, metrics }, index) => {
      return { group: String(index), architecture, config, value: metrics['latency.p50'] as number };
    });
  const expected = (size: number, order: readonly MeasuredArchitecture[]) => {
    const { mean } = learn('latency.p50', examples(order), 4).predict(
      sized(size, 0).coordinates,
      order[0]?.config ?? config,
    );
    return Math.exp(mean);
  };
  const predicted = predictDeviceMetrics(few, sized(9.9, 0).coordinates, 4)?.metrics ?? {};
  assert.deepEqual(Object.keys(predicted), ['latency.p50', 'memory']);
  assert.equal(predicted['latency.p50'], expected(9.9, few));
  for (const size of [10.1, 14]) {
    const near = predictDeviceMetrics(few, sized(size, 0).coordinates, 4)?.metrics;
    assert.deepEqual(near, { 'latency.p50': expected(size, few.toReversed()) });
  }
});

it('learns from the sixteen nearest, and from no value that has no logarithm', () => {
  const many = Array.from({ length: 17 }, (_, index) => sized(10 + index, 2 ** index));
  assert.equal(latencyAt(9, many), latencyAt(9, many.slice(0, 16)));
  assert.notEqual(latencyAt(9, many), latencyAt(9, many.slice(0, 15)));
  assert.equal(latencyAt(9, many.toReversed()), latencyAt(9, many));
  assert.deepEqual(predictDeviceMetrics([sized(10, 0), sized(11, 3)], sized(10, 0).coordinates, 4)?.metrics, {
    'latency.p50': Math.exp(
      learn('latency.p50', [{ group: '1', architecture: sized(11, 3).coordinates, config, value: 3 }], 4).predict(
        sized(10, 0).coordinates,
        config,
      ).mean,
    ),
  });
  assert.equal(predictDeviceMetrics([sized(10, 0), sized(11, -1)], sized(10, 0).coordinates, 4), null);
});

it('says between what the value lies with 95 %: in nine of ten cases it does, also of other kinds of blocks', () => {
  const inside = known.map(({ coordinates, metrics }, index) => {
    const others = known.filter((_, other) => other !== index);
    const { metrics: predicted, intervals } = predictDeviceMetrics(others, coordinates, 4) ?? assert.fail();
    const [low, high] = intervals['latency.p50'] ?? assert.fail();
    const middle = predicted['latency.p50'] as number;
    assert.ok(low < middle && middle < high);
    assert.ok(Math.abs(Math.sqrt(low * high) / middle - 1) < 1e-9, 'as far up as down, as a share');
    return low <= metrics['latency.p50'] && metrics['latency.p50'] <= high;
  });
  assert.ok(
    inside.filter(Boolean).length >= 0.9 * inside.length,
    `${inside.filter(Boolean).length} of ${inside.length}`,
  );
  assert.deepEqual(
    Object.keys(predictDeviceMetrics(known, (known[0] as (typeof known)[number]).coordinates, 4)?.intervals ?? {}),
    ['latency.p50', 'memory'],
  );
});

it('is less sure of what is farther away, and of few', () => {
  const width = (size: number, from: readonly MeasuredArchitecture[]) => {
    const [low, high] = predictDeviceMetrics(from, sized(size, 0).coordinates, 4)?.intervals['latency.p50'] ?? [0, 0];
    return high / low;
  };
  const many = Array.from({ length: 8 }, (_, index) => sized(10 + index / 2, 2 ** (index / 2)));
  assert.ok(width(11, many) < width(20, many));
  assert.ok(width(11, many) < width(11, many.slice(0, 2)));
});
