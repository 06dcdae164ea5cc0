/** Which nodes become one kernel, and what each kernel reads, writes and computes, worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import type { FusedKernel } from '@edgetune/shared/onnx/fuse-kernels.ts';
import { buildOnnx, int64Tensor, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { accepted, node } from './support.ts';

const [UINT8, INT8, INT32] = [2, 3, 6];
const FLOAT = 4;

/** Weights that the models may read. */
const WEIGHTS: TensorSpec[] = [
  { name: 'w', dims: [8, 3, 3, 3] },
  { name: 'b', dims: [8] },
  { name: 'c', dims: [8, 1, 1] },
  { name: 'm', dims: [16, 5] },
  { name: 'n', dims: [5] },
];

/** The kernels of a model that reads an image of [samples, 3, 16, 16] called x. */
function kernelsOf(nodes: NodeSpec[], { outputs = ['y'], samples = 1, weights = WEIGHTS, shape = [3, 16, 16] } = {}) {
  return accepted(() =>
    analyseModel(
      buildOnnx({ inputs: [{ name: 'x', shape: ['batch', ...shape] }], initializers: weights, nodes, outputs }),
      { batchSize: samples },
    ),
  ).kernels;
}

const opsOf = (kernels: readonly FusedKernel[]) => kernels.map(({ ops }) => ops.join('+'));
const pads = { ints: { pads: [1, 1, 1, 1] } };
const conv = (input: string, output: string) => node('Conv', [input, 'w', 'b'], output, pads);
const norm = (input: string, output: string) => node('BatchNormalization', [input, 'b', 'b', 'b', 'b'], output);

describe('what becomes one kernel', () => {
  it('a convolution with the normalisation and the activation behind it', () => {
    const [kernel, ...rest] = kernelsOf([conv('x', 'c1'), norm('c1', 'n1'), node('Relu', ['n1'], 'y')], { samples: 2 });
    assert.deepEqual(rest, []);
    assert.deepEqual(kernel, {
      kind: 'convolution',
      name: 'c1',
      ops: ['Conv', 'BatchNormalization', 'Relu'],
      macs: 2 * 8 * (16 * 16) * (3 * 3 * 3),
      inputBytes: FLOAT * 2 * 3 * 256,
      outputBytes: FLOAT * 2 * 8 * 256,
      // Filters, their biases, which the normalisation reads too.
      weightBytes: FLOAT * (8 * 27 + 8),
      outputElements: 2 * 8 * 256,
      windowElements: 9,
      // For each position of each sample the 3 × 9 numbers under the window.
      unfoldedBytes: FLOAT * (2 * 256) * (3 * 9),
      filters: 8,
      positions: 256,
      products: 2,
      steps: 1,
      quantised: false,
      repeats: 1,
    });
  });

  for (const activation of ['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'Clip', 'HardSigmoid'])
    it(`${activation} behind a convolution, and behind a product of matrices`, () => {
      assert.deepEqual(opsOf(kernelsOf([conv('x', 'c1'), node(activation, ['c1'], 'y')])), [`Conv+${activation}`]);
      const product = [node('MatMul', ['x', 'm'], 'p'), node(activation, ['p'], 'y')];
      assert.deepEqual(opsOf(kernelsOf(product)), [`MatMul+${activation}`]);
    });

  it('constants that are added or multiplied behind a convolution, before its activation', () => {
    const scaled = [
      conv('x', 'c1'),
      node('Mul', ['c1', 'c'], 'm1'),
      node('Add', ['c', 'm1'], 'a1'),
      node('Relu', ['a1'], 'y'),
    ];
    assert.deepEqual(opsOf(kernelsOf(scaled)), ['Conv+Mul+Add+Relu']);
    const product = [node('MatMul', ['x', 'm'], 'p'), node('Add', ['p', 'n'], 'a'), node('Tanh', ['a'], 'y')];
    const [kernel] = kernelsOf(product);
    assert.deepEqual(kernel?.ops, ['MatMul', 'Add', 'Tanh']);
    assert.equal(kernel?.weightBytes, FLOAT * (16 * 5 + 5));
  });

  it('nothing behind an activation but another activation', () => {
    const nodes = [conv('x', 'c1'), node('Relu', ['c1'], 'r')];
    assert.deepEqual(opsOf(kernelsOf([...nodes, norm('r', 'y')])), ['Conv+Relu', 'BatchNormalization']);
    assert.deepEqual(opsOf(kernelsOf([...nodes, node('Add', ['r', 'c'], 'y')])), ['Conv+Relu', 'Add']);
    assert.deepEqual(opsOf(kernelsOf([...nodes, node('Mul', ['r', 'c'], 'y')])), ['Conv+Relu', 'Mul']);
  });

  it('no sum of two branches, and no square', () => {
    const branches = [conv('x', 'c1'), node('Sin', ['x'], 's'), node('Conv', ['s', 'w'], 'c2', pads)];
    assert.deepEqual(opsOf(kernelsOf([...branches, node('Add', ['c1', 'c2'], 'y')])), ['Conv', 'Sin', 'Conv', 'Add']);
    assert.deepEqual(opsOf(kernelsOf([conv('x', 'c1'), node('Mul', ['c1', 'c1'], 'y')])), ['Conv', 'Mul']);
  });

  it('no normalisation behind a product, no other operator, nothing behind other kernels', () => {
    const product = [node('MatMul', ['x', 'm'], 'p')];
    assert.deepEqual(
      opsOf(
        kernelsOf([...product, node('BatchNormalization', ['p', 'k', 'k', 'k', 'k'], 'y')], {
          weights: [...WEIGHTS, { name: 'k', dims: [3] }],
        }),
      ),
      ['MatMul', 'BatchNormalization'],
    );
    assert.deepEqual(opsOf(kernelsOf([conv('x', 'c1'), node('Exp', ['c1'], 'y')])), ['Conv', 'Exp']);
    assert.deepEqual(opsOf(kernelsOf([node('Exp', ['x'], 'e'), node('Relu', ['e'], 'y')])), ['Exp', 'Relu']);
    const pool = node('MaxPool', ['x'], 'p', { ints: { kernel_shape: [2, 2] } });
    assert.deepEqual(opsOf(kernelsOf([pool, node('Relu', ['p'], 'y')])), ['MaxPool', 'Relu']);
  });

  it('no value that somebody else reads, in the graph or outside', () => {
    const twice = [conv('x', 'c1'), node('Relu', ['c1'], 'r'), node('Mul', ['c1', 'r'], 'y')];
    assert.deepEqual(opsOf(kernelsOf(twice)), ['Conv', 'Relu', 'Mul']);
    const seen = [conv('x', 'c1'), node('Relu', ['c1'], 'y')];
    assert.deepEqual(opsOf(kernelsOf(seen, { outputs: ['y', 'c1'] })), ['Conv', 'Relu']);
  });

  it('what lies behind a node that vanishes', () => {
    const nodes = [conv('x', 'c1'), node('Identity', ['c1'], 'i'), node('Relu', ['i'], 'y')];
    assert.deepEqual(opsOf(kernelsOf(nodes)), ['Conv+Relu']);
    const plus = [conv('x', 'c1'), node('Identity', ['c1'], 'i'), node('Add', ['i', 'c'], 'y')];
    assert.deepEqual(opsOf(kernelsOf(plus)), ['Conv+Add']);
  });
});

describe('what a kernel computes', () => {
  const only = (nodes: NodeSpec[], options: Parameters<typeof kernelsOf>[1] = {}) => {
    const kernels = kernelsOf(nodes, options);
    assert.equal(kernels.length, 1, opsOf(kernels).join(', '));
    return kernels[0] as FusedKernel;
  };

  it('a convolution of single elements is a product as it lies, unless it leaves some out', () => {
    const weights: TensorSpec[] = [{ name: 'w', dims: [8, 3, 1, 1] }];
    assert.equal(only([node('Conv', ['x', 'w'], 'y')], { weights }).unfoldedBytes, 0);
    const strided = only([node('Conv', ['x', 'w'], 'y', { ints: { strides: [1, 2] } })], { weights, samples: 2 });
    assert.equal(strided.unfoldedBytes, FLOAT * (2 * 16 * 8) * 3);
    assert.deepEqual([strided.filters, strided.positions, strided.products, strided.windowElements], [8, 128, 2, 1]);
  });

  it('a convolution of groups is as many products of smaller matrices', () => {
    const weights: TensorSpec[] = [{ name: 'w', dims: [8, 2, 3, 3] }];
    const kernel = only([node('Conv', ['x', 'w'], 'y', { int: { group: 2 } })], {
      weights,
      samples: 3,
      shape: [4, 6, 5],
    });
    assert.deepEqual(
      [kernel.kind, kernel.filters, kernel.positions, kernel.products],
      ['convolution', 8 / 2, 4 * 3, 3 * 2],
    );
    assert.equal(kernel.unfoldedBytes, FLOAT * (3 * 12) * (4 * 9));
  });

  it('a group for each channel is no product of matrices', () => {
    const weights: TensorSpec[] = [{ name: 'w', dims: [6, 1, 3, 3] }];
    const kernel = only([node('Conv', ['x', 'w'], 'y', { int: { group: 3 } })], { weights });
    assert.deepEqual(
      [kernel.kind, kernel.filters, kernel.positions, kernel.products, kernel.unfoldedBytes, kernel.windowElements],
      ['depthwise', 0, 0, 0, 0, 9],
    );
    // One channel, one group: that is a plain convolution.
    const one = only([node('Conv', ['x', 'w'], 'y')], { weights, shape: [1, 16, 16] });
    assert.deepEqual([one.kind, one.filters, one.products], ['convolution', 6, 1]);
  });

  it('the window of a pool is its own, or the whole image', () => {
    const pool = only([node('MaxPool', ['x'], 'y', { ints: { kernel_shape: [2, 3], strides: [2, 2] } })]);
    assert.deepEqual([pool.kind, pool.windowElements, pool.unfoldedBytes, pool.products], ['pool', 6, 0, 0]);
    assert.equal(only([node('GlobalAveragePool', ['x'], 'y')], { samples: 2 }).windowElements, 16 * 16);
  });

  it('a recurrent layer takes a step for each element of the sequence', () => {
    const weights: TensorSpec[] = [
      { name: 'w', dims: [1, 8, 3] },
      { name: 'r', dims: [1, 8, 2] },
    ];
    const lstm = (rest: Partial<NodeSpec>) => node('LSTM', ['x', 'w', 'r'], ['', 'y'], rest);
    // The first axis is the sequence's length here.
    const kernel = only([lstm({ int: { hidden_size: 2 } })], { weights, samples: 7, shape: [5, 3] });
    assert.deepEqual([kernel.kind, kernel.steps, kernel.windowElements], ['recurrent', 7, 1]);
    assert.equal(only([lstm({ int: { hidden_size: 2, layout: 1 } })], { weights, samples: 7, shape: [5, 3] }).steps, 5);
  });

  it('an input that is read twice is data once', () => {
    const kernel = only([node('Mul', ['x', 'x'], 'y')]);
    assert.deepEqual([kernel.inputBytes, kernel.outputBytes, kernel.weightBytes], [FLOAT * 768, FLOAT * 768, 0]);
    assert.deepEqual([kernel.kind, kernel.macs, kernel.steps, kernel.outputElements], ['elementwise', 0, 1, 768]);
  });

  it('an input that is left out is no data', () => {
    const weights: TensorSpec[] = [{ name: 'high', dims: [] }];
    const kernel = only([node('Clip', ['x', '', 'high'], 'y')], { weights });
    assert.deepEqual([kernel.inputBytes, kernel.weightBytes], [FLOAT * 768, FLOAT]);
  });
});

describe('which kernels compute on 8-bit integers', () => {
  const SCALES: TensorSpec[] = [
    { name: 's', dims: [] },
    { name: 'z', dims: [], dataType: UINT8 },
    { name: 'zi', dims: [], dataType: INT8 },
    { name: 'w', dims: [8, 3, 3, 3], dataType: INT8 },
    { name: 'm', dims: [16, 5], dataType: UINT8 },
    { name: 'b', dims: [8], dataType: INT32 },
    { name: 'g', dims: [768, 5], dataType: UINT8 },
    int64Tensor('flat', [1, -1]),
  ];
  const microsoft = { domain: 'com.microsoft' };
  const quantisedOf = (dataType: number, ...nodes: NodeSpec[]) =>
    accepted(() =>
      analyseModel(
        buildOnnx({
          opsets: { 'com.microsoft': 1 },
          inputs: [{ name: 'x', shape: ['batch', 3, 16, 16], dataType }],
          initializers: SCALES,
          nodes,
          outputs: ['y'],
        }),
        { batchSize: 1 },
      ),
    ).kernels.map(({ quantised }) => quantised);

  it('those with an integer in their name, and those of ONNX whose data are bytes', () => {
    const linear = ['x', 's', 'z'];
    assert.deepEqual(quantisedOf(UINT8, node('QLinearConv', [...linear, 'w', 's', 'zi', 's', 'z', 'b'], 'y')), [true]);
    assert.deepEqual(quantisedOf(UINT8, node('ConvInteger', ['x', 'w'], 'y')), [true]);
    assert.deepEqual(quantisedOf(UINT8, node('MatMulInteger', ['x', 'm'], 'y')), [true]);
    assert.deepEqual(quantisedOf(UINT8, node('QLinearMatMul', [...linear, 'm', 's', 'z', 's', 'z'], 'y')), [true]);
    assert.deepEqual(quantisedOf(1, node('DynamicQuantizeMatMul', ['x', 'm', 's', 'z'], 'y', microsoft)), [true]);
    assert.deepEqual(quantisedOf(UINT8, node('MatMulIntegerToFloat', ['x', 'm', 's', 's'], 'y', microsoft)), [true]);
    assert.deepEqual(
      quantisedOf(
        UINT8,
        node('Reshape', ['x', 'flat'], 'f'),
        node('QGemm', ['f', 's', 'z', 'g', 's', 'z'], 'y', microsoft),
      ),
      [true, true],
    );
    assert.deepEqual(quantisedOf(UINT8, node('MaxPool', ['x'], 'y', { ints: { kernel_shape: [2, 2] } })), [true]);
    assert.deepEqual(quantisedOf(UINT8, node('Transpose', ['x'], 'y')), [true]);
  });

  it('not those whose data are floats or other integers, and not the quantisers', () => {
    assert.deepEqual(quantisedOf(1, node('MaxPool', ['x'], 'y', { ints: { kernel_shape: [2, 2] } })), [false]);
    assert.deepEqual(quantisedOf(INT32, node('Transpose', ['x'], 'y')), [false]);
    assert.deepEqual(quantisedOf(UINT8, node('Cast', ['x'], 'y', { int: { to: 1 } })), [false]);
    assert.deepEqual(quantisedOf(1, node('QuantizeLinear', ['x', 's', 'z'], 'y')), [false]);
    assert.deepEqual(quantisedOf(UINT8, node('DequantizeLinear', ['x', 's', 'z'], 'y')), [false]);
    assert.deepEqual(quantisedOf(1, node('DynamicQuantizeLinear', ['x'], ['y', 's1', 'z1'])), [false]);
  });
});
