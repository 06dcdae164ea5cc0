/** Graphs with QuantizeLinear and DequantizeLinear: which kernels they become, in which precision, and what they weigh. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { buildOnnx, int64Tensor, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { accepted, node } from './support.ts';

const [UINT8, INT8, INT32] = [2, 3, 6];
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

describe('which groups become one integer kernel', () => {
  const WEIGHTS: TensorSpec[] = [
    { name: 's', dims: [] },
    { name: 'z', dims: [], dataType: UINT8 },
    { name: 'wq', dims: [16, 4], dataType: INT8 },
    { name: 'wz', dims: [], dataType: INT8 },
    { name: 'wf', dims: [16, 4] },
    { name: 'b32', dims: [4], dataType: INT32 },
    int64Tensor('flat', [-1, 16]),
    int64Tensor('sizes', [8, 8]),
  ];
  /** x → Q → DQ (as xd), then what is asked for; the weights wq dequantised as wd. */
  const kernelsOf = (nodes: NodeSpec[], outputs = ['y'], opset = 17) =>
    accepted(() =>
      analyseModel(
        buildOnnx({
          opset,
          inputs: [{ name: 'x', shape: ['batch', 3, 16, 16] }],
          outputs,
          initializers: WEIGHTS,
          nodes: [
            quantiser('x', 'xq'),
            dequantiser('xq', 'xd'),
            node('DequantizeLinear', ['wq', 's', 'wz'], 'wd'),
            ...nodes,
          ],
        }),
        { batchSize: 1 },
      ),
    ).kernels.map(({ ops, quantised }) => `${ops.join('+')}${quantised ? ' in bytes' : ''}`);
  const [Q, DQ] = ['QuantizeLinear', 'DequantizeLinear'];
  const pool = node('MaxPool', ['xd'], 'p', { ints: { kernel_shape: [2, 2] } });

  it('an operator between quantisers, with the bounds before the last one', () => {
    assert.deepEqual(kernelsOf([pool, quantiser('p', 'y')]), [Q, 'MaxPool in bytes']);
    for (const bounds of ['Relu', 'Clip'])
      assert.deepEqual(kernelsOf([pool, node(bounds, ['p'], 'r'), quantiser('r', 'y')]), [Q, 'MaxPool in bytes']);
    assert.deepEqual(kernelsOf([pool, node('Tanh', ['p'], 't'), quantiser('t', 'y')]), [Q, DQ, 'MaxPool', 'Tanh', Q]);
  });

  it('not where the bounds go elsewhere too, or to something else', () => {
    const bounded = [pool, node('Relu', ['p'], 'r')];
    assert.deepEqual(kernelsOf([...bounded, node('Sin', ['r'], 'y')]), [Q, DQ, 'MaxPool', 'Relu', 'Sin']);
    const twice = [...bounded, quantiser('r', 'y'), node('Sin', ['r'], 'o')];
    assert.deepEqual(kernelsOf(twice, ['y', 'o']), [Q, DQ, 'MaxPool', 'Relu', Q, 'Sin']);
    const twoReaders = [...bounded, quantiser('r', 'y'), node('Sin', ['p'], 'o')];
    assert.deepEqual(kernelsOf(twoReaders, ['y', 'o']), [Q, DQ, 'MaxPool', 'Relu', Q, 'Sin']);
    assert.deepEqual(kernelsOf([...bounded, quantiser('r', 'y')], ['y', 'p']), [Q, DQ, 'MaxPool', 'Relu', Q]);
    assert.deepEqual(kernelsOf([pool, quantiser('p', 'y')], ['y', 'p']), [Q, DQ, 'MaxPool', Q]);
  });

  it('pools since they take integers', () => {
    assert.deepEqual(kernelsOf([pool, quantiser('p', 'y')], ['y'], 12), [Q, 'MaxPool in bytes']);
    assert.deepEqual(kernelsOf([pool, quantiser('p', 'y')], ['y'], 11), [Q, DQ, 'MaxPool', Q]);
    const mean = node('AveragePool', ['xd'], 'p', { ints: { kernel_shape: [2, 2] } });
    assert.deepEqual(kernelsOf([mean, quantiser('p', 'y')], ['y'], 11), [Q, 'AveragePool in bytes']);
  });

  it('not operators without an integer kernel', () => {
    const max = node('GlobalMaxPool', ['xd'], 'p');
    assert.deepEqual(kernelsOf([max, quantiser('p', 'y')]), [Q, DQ, 'GlobalMaxPool', Q]);
  });

  it('products also with a float result; a float factor keeps them from it', () => {
    const product = node('MatMul', ['xd', 'wd'], 'p');
    assert.deepEqual(kernelsOf([product, quantiser('p', 'y')]), [Q, 'MatMul in bytes']);
    assert.deepEqual(kernelsOf([{ ...product, outputs: ['y'] }]), [Q, 'MatMul in bytes']);
    const flat = [node('Reshape', ['xd', 'flat'], 'f')];
    assert.deepEqual(kernelsOf([...flat, node('Gemm', ['f', 'wd'], 'y')]), [Q, DQ, DQ, 'Reshape', 'Gemm']);
    assert.deepEqual(kernelsOf([node('MatMul', ['xd', 'wf'], 'p'), quantiser('p', 'y')]), [Q, DQ, 'MatMul', Q]);
  });

  it('what it reads besides data may be whole numbers: shapes, sums of 32 bits', () => {
    const reshaped = [node('Reshape', ['xd', 'flat'], 'f'), quantiser('f', 'y')];
    assert.deepEqual(kernelsOf(reshaped), [Q, 'Reshape in bytes']);
    const sums = [
      node('Cast', ['x'], 'i', { int: { to: 6 } }),
      node('DequantizeLinear', ['i', 's'], 'id'),
      node('MaxPool', ['id'], 'p', { ints: { kernel_shape: [2, 2] } }),
      quantiser('p', 'y'),
    ];
    // Data of 32 bits are no quantised data.
    assert.deepEqual(kernelsOf(sums), ['Cast', DQ, 'MaxPool', Q]);
  });

  it('several outputs are all bytes, or the operator stays in floats', () => {
    const split = node('Split', ['xd'], ['a', 'b'], { int: { axis: 2 } });
    const both = [split, quantiser('a', 'y'), quantiser('b', 'o')];
    assert.deepEqual(kernelsOf(both, ['y', 'o']), [Q, 'Split in bytes']);
    const one = [split, quantiser('a', 'y'), node('Sin', ['b'], 'o')];
    assert.deepEqual(kernelsOf(one, ['y', 'o']), [Q, DQ, 'Split', Q, 'Sin']);
    const unread = [split, quantiser('a', 'y')];
    assert.deepEqual(kernelsOf(unread), [Q, 'Split in bytes']);
  });

  it('a dequantiser stays where somebody needs its floats', () => {
    const also = [pool, quantiser('p', 'y'), node('Sin', ['xd'], 'o')];
    assert.deepEqual(kernelsOf(also, ['y', 'o']), [Q, DQ, 'MaxPool in bytes', 'Sin']);
    assert.deepEqual(kernelsOf([pool, quantiser('p', 'y')], ['y', 'xd']), [Q, DQ, 'MaxPool in bytes']);
  });
});
