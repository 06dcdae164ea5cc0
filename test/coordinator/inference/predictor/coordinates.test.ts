import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import {
  architectureCoordinates,
  COORDINATES,
  configCoordinates,
  expectedSlopes,
  NO_ARCHITECTURE,
} from '../../../../coordinator/inference/predictor/coordinates.ts';

const kernel = (kind: string, macs: number, inputBytes: number, outputBytes: number) =>
  ({ kind, macs, inputBytes, outputBytes }) as FusedKernel;

it('an architecture is its work, its bytes, its kernels, and what kinds of work it has', () => {
  const kernels = [
    kernel('conv', 300, 10, 20),
    kernel('depthwise', 100, 20, 30),
    kernel('view', 0, 30, 30),
    kernel('matmul', 80, 30, 40),
    kernel('recurrent', 31, 40, 5),
  ];
  assert.deepEqual(architectureCoordinates({ kernels, macs: 511, weightBytes: 1023 }), [
    9,
    Math.log2(256),
    10,
    Math.log2(5),
    100 / 511,
    111 / 511,
  ]);
});

it('an architecture that computes nothing has no shares', () => {
  assert.deepEqual(architectureCoordinates({ kernels: [], macs: 0, weightBytes: 0 }), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(NO_ARCHITECTURE, [0, 0, 0, 0, 0, 0]);
});

it('there is a coordinate for each number of a config and an architecture', () => {
  const config = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });
  assert.equal(COORDINATES.length, configCoordinates(config, 4).length + NO_ARCHITECTURE.length);
});

it('a config is logarithms and marks of what is unlike the usual', () => {
  const of = (change: object, cores = 4) =>
    configCoordinates(inferenceConfigSchema.parse({ batchSize: 1, threads: 1, ...change }), cores);
  const usual = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const other = (at: number, value = 1) => usual.map((zero, index) => (index === at ? value : zero));
  assert.deepEqual(of({}), usual);
  assert.deepEqual(of({ batchSize: 8 }), other(0, 3));
  assert.deepEqual(of({ threads: 2 }), other(1, 1));
  assert.deepEqual(of({ clockKHz: 2_000_000 }), other(2, 1));
  assert.deepEqual(of({ threads: 4 }), [0, 2, 0, 1, 0, 0, 0, 0, 0, 0], 'all cores are busy');
  assert.deepEqual(of({ threads: 8 }), [0, 3, 0, 1, 0, 0, 0, 0, 0, 0], 'and more than all');
  assert.deepEqual(of({ threads: 2 }, 2), [0, 1, 0, 1, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(of({}, 1), usual, 'a single core is always busy: that tells nothing');
  for (const [at, change] of [
    [4, { precision: 'float16' }],
    [5, { precision: 'int8' }],
    [6, { executionProvider: 'cuda' }],
    [7, { executionProvider: 'tensorrt' }],
    [8, { runner: 'onnxruntime-python' }],
    [9, { runner: 'trtexec' }],
  ] as const)
    assert.deepEqual(of(change), other(at));
});

it('what is expected is by metric, and the same for every percentile of the latency', () => {
  assert.deepEqual(expectedSlopes('latency.p50'), expectedSlopes('latency.p999'));
  const signs = (metric: string) => expectedSlopes(metric).map(Math.sign);
  assert.deepEqual(signs('latency.p50'), [1, -1, -1, 1]);
  assert.deepEqual(signs('throughput'), [1, 1, 1, -1]);
  assert.deepEqual(signs('energy'), [-1, -1, 1, 1]);
  assert.deepEqual(signs('power'), [0, 1, 1, 0]);
  assert.deepEqual(signs('memory'), [1, 0, 0, 1]);
});
