import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import {
  architectureCoordinates,
  coordinateSystem,
  expectedSlopes,
  NO_ARCHITECTURE,
} from '../../../../coordinator/inference/predictor/coordinates.ts';

const kernel = (kind: string, macs: number, inputBytes: number, outputBytes: number) =>
  ({ kind, macs, inputBytes, outputBytes, repeats: 1 }) as FusedKernel;

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
    0,
  ]);
});

it('what computes in integers is told from what only holds them', () => {
  const kernels = [{ ...kernel('matmul', 300, 10, 20), quantised: true }, kernel('matmul', 100, 20, 30)];
  assert.equal(architectureCoordinates({ kernels, macs: 400, weightBytes: 8 }).at(-1), 300 / 400);
});

it('what runs in every round of a loop counts its rounds', () => {
  const looped = { ...kernel('matmul', 100, 10, 20), repeats: 4 };
  const once = Array.from({ length: 4 }, () => kernel('matmul', 100, 10, 20));
  const work = { macs: 400, weightBytes: 8 };
  assert.deepEqual(
    architectureCoordinates({ kernels: [looped], ...work }),
    architectureCoordinates({ kernels: once, ...work }),
  );
});

it('an architecture that computes nothing has no shares', () => {
  assert.deepEqual(architectureCoordinates({ kernels: [], macs: 0, weightBytes: 0 }), [0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(NO_ARCHITECTURE, [0, 0, 0, 0, 0, 0, 0]);
});

const config = (change: object = {}) => inferenceConfigSchema.parse({ batchSize: 1, threads: 1, ...change });
/** Of a device on which these runners have measured: two, one, and none but the usual. */
const TWO = [config({ runner: 'trtexec' }), config(), config({ runner: 'onnxruntime-python' })];

it('there is a coordinate for each number of a point, whatever was measured', () => {
  for (const measured of [TWO, TWO.slice(0, 1), [config()], []]) {
    const { coordinates, macsAt, pointOf } = coordinateSystem(measured, 4);
    const point = pointOf([77, 1, 2, 3, 4, 5, 6], config());
    assert.equal(point.length, coordinates.length);
    assert.equal(point[macsAt], 77);
  }
});

it('an architecture of before has zeros for what is counted since', () => {
  const { pointOf } = coordinateSystem([], 4);
  assert.deepEqual(pointOf([1, 2, 3, 4, 5, 6], config()).slice(-7), [1, 2, 3, 4, 5, 6, 0]);
});

it('a config is logarithms and marks of what is unlike the usual', () => {
  const of = (change: object, cores = 4) =>
    coordinateSystem(TWO, cores).pointOf([], config(change)).slice(0, -NO_ARCHITECTURE.length);
  const usual = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const other = (at: number, value = 1) => usual.map((zero, index) => (index === at ? value : zero));
  assert.deepEqual(of({}), usual);
  assert.deepEqual(of({ batchSize: 8 }), other(0, 3));
  assert.deepEqual(of({ threads: 2 }), other(1, 1));
  assert.deepEqual(of({ clockKHz: 2_000_000 }), other(2, 1));
  assert.deepEqual(of({ threads: 4 }), [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0], 'all cores are busy');
  assert.deepEqual(of({ threads: 8 }), [0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0], 'and more than all');
  assert.deepEqual(of({ threads: 2 }, 2), [0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(of({}, 1), usual, 'a single core is always busy: that tells nothing');
  for (const [at, change] of [
    [4, { precision: 'float16' }],
    [5, { precision: 'int8' }],
    [6, { executionProvider: 'cuda' }],
    [7, { executionProvider: 'tensorrt' }],
    [8, { runner: 'onnxruntime-python' }],
    [9, { runner: 'trtexec' }],
    [10, { runner: 'never-measured-here' }],
  ] as const)
    assert.deepEqual(of(change), other(at));
});

it('runners that were not measured share a mark, and the usual one has none', () => {
  const { pointOf } = coordinateSystem([config()], 4);
  const marks = (runner?: string) => pointOf([], config({ runner })).slice(8, -NO_ARCHITECTURE.length);
  assert.deepEqual([marks(), marks('onnxruntime-node'), marks('trtexec'), marks('another')], [[0], [0], [1], [1]]);
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
