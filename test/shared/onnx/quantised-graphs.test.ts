/** Graphs with QuantizeLinear and DequantizeLinear: which kernels they become, in which precision, and what they weigh. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { graphPrecision, precisionMismatch } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { buildOnnx, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { node } from './support.ts';

const [UINT8, INT8, FLOAT16, INT32] = [2, 3, 10, 6];
const quantiser = (from: string, to: string) => node('QuantizeLinear', [from, 's', 'z'], to);
const dequantiser = (from: string, to: string) => node('DequantizeLinear', [from, 's', 'z'], to);

/** x → Q → DQ → Conv(8, 3 × 3) → Relu → Q → DQ → … with int8 weights and an int32 bias. */
function quantisedConvolution(...rest: NodeSpec[]): Uint8Array {
  const initializers: TensorSpec[] = [
    { name: 's', dims: [] },
    { name: 'z', dims: [], dataType: UINT8 },
    { name: 'w', dims: [8, 3, 3, 3], dataType: INT8 },
    { name: 'ws', dims: [8] },
    { name: 'wz', dims: [8], dataType: INT8 },
    { name: 'b', dims: [8], dataType: INT32 },
    { name: 'bz', dims: [8], dataType: INT32 },
  ];
  return buildOnnx({
    inputs: [{ name: 'x', shape: ['batch', 3, 16, 16] }],
    outputs: [(rest.at(-1) as NodeSpec).outputs[0] as string],
    initializers,
    nodes: [
      quantiser('x', 'xq'),
      dequantiser('xq', 'xd'),
      node('DequantizeLinear', ['w', 'ws', 'wz'], 'wd', { int: { axis: 0 } }),
      node('DequantizeLinear', ['b', 'ws', 'bz'], 'bd', { int: { axis: 0 } }),
      node('Conv', ['xd', 'wd', 'bd'], 'c', { ints: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } }),
      ...rest,
    ],
  });
}

test('a convolution between quantisers is one integer kernel; its data and weights are a byte each', () => {
  const { kernels, weightBytes, peakActivationBytes, precision } = analyseModel(
    quantisedConvolution(node('Relu', ['c'], 'r'), quantiser('r', 'q'), dequantiser('q', 'y')),
    { batchSize: 1 },
  );
  assert.deepEqual(
    kernels.map(({ ops, quantised }) => [ops.join('+'), quantised]),
    [
      ['QuantizeLinear', false],
      ['Conv', true],
      ['DequantizeLinear', false],
    ],
  );
  const [, convolution] = kernels;
  assert.deepEqual(
    [convolution?.inputBytes, convolution?.outputBytes, convolution?.weightBytes, convolution?.macs],
    [3 * 256, 8 * 256, 216 + 4 * 8, 216 * 256],
  );
  assert.equal(precision, 'int8');
  assert.ok(weightBytes < 216 + 32 + 16, `${weightBytes}`);
  // The last DequantizeLinear reads bytes and writes floats; no float lives before it but the input.
  assert.equal(peakActivationBytes, 8 * 256 + 4 * 8 * 256);
});

test('without a quantiser behind it a convolution computes in float32 from dequantised values', () => {
  const { kernels } = analyseModel(quantisedConvolution(node('Sin', ['c'], 'y')), { batchSize: 1 });
  assert.deepEqual(
    kernels.map(({ ops, quantised }) => [ops.join('+'), quantised]),
    [
      ['QuantizeLinear', false],
      ['DequantizeLinear', false],
      ['DequantizeLinear', false],
      ['DequantizeLinear', false],
      ['Conv', false],
      ['Sin', false],
    ],
  );
});

test('a value that is needed as float and as integer stays float', () => {
  const { kernels } = analyseModel(
    quantisedConvolution(quantiser('c', 'q'), dequantiser('q', 'd'), node('Add', ['c', 'd'], 'y')),
    { batchSize: 1 },
  );
  assert.ok(kernels.every(({ quantised }) => !quantised));
});

test('the precision of a graph is that of its kernels, and a config has to ask for it', () => {
  const plain = (dataType: number) =>
    buildOnnx({
      inputs: [{ name: 'x', shape: ['batch', 4], dataType }],
      outputs: ['y'],
      initializers: [{ name: 'w', dims: [4, 4], dataType }],
      nodes: [node('MatMul', ['x', 'w'], 'y')],
    });
  const graphs = [plain(1), plain(FLOAT16), quantisedConvolution(quantiser('c', 'y'))];
  assert.deepEqual(
    graphs.map((bytes) => graphPrecision(readOnnx(bytes))),
    ['float32', 'float16', 'int8'],
  );
  const cpu = { executionProvider: 'cpu' } as const;
  assert.equal(precisionMismatch('int8', { precision: 'int8', ...cpu }), null);
  assert.match(precisionMismatch('float32', { precision: 'int8', ...cpu }) ?? '', /float32, not in int8: quantise it/);
  assert.match(precisionMismatch('int8', { precision: 'float32', ...cpu }) ?? '', /int8, not in float32: ask for int8/);
  assert.match(precisionMismatch('float32', { precision: 'float16', ...cpu }) ?? '', /only .* tensorrt/);
  assert.equal(precisionMismatch('float32', { precision: 'float16', executionProvider: 'tensorrt' }), null);
});
