/** What a runtime leaves of a graph before the first run, and what memory the rest takes, worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseGraph } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { buildOnnx, int64Tensor, type ModelSpec, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { accepted, node } from './support.ts';

/** Bytes of x, an input of a thousand floats. */
const X = 4000;

function analysed(nodes: NodeSpec[], rest: Partial<ModelSpec> = {}, mergesRepeats = true) {
  const model: ModelSpec = { inputs: [{ name: 'x', shape: [1000] }], nodes, outputs: ['y'], ...rest };
  return accepted(() => analyseGraph(readOnnx(buildOnnx(model)), { batchSize: 1 }, { mergesRepeats }));
}
const opsOf = (nodes: NodeSpec[], rest: Partial<ModelSpec> = {}, mergesRepeats = true) =>
  analysed(nodes, rest, mergesRepeats).kernels.map(({ ops }) => ops.join('+'));

describe('what is left to run', () => {
  it('nothing that no output needs', () => {
    const nodes = [node('Exp', ['x'], 'y'), node('Sin', ['x'], 'dead'), node('Cos', ['dead'], 'deader')];
    assert.deepEqual(opsOf(nodes), ['Exp']);
    assert.deepEqual(opsOf(nodes, { outputs: ['y', 'deader'] }), ['Exp', 'Sin', 'Cos']);
  });

  it('an input that is left out needs no output that is left out', () => {
    const weights: TensorSpec[] = [
      { name: 'w', dims: [1, 8, 10] },
      { name: 'r', dims: [1, 8, 2] },
      int64Tensor('sequence', [10, 10, 10]),
    ];
    const nodes = [
      node('Reshape', ['x', 'sequence'], 's'),
      node('LSTM', ['s', 'w', 'r'], ['', 'dead'], { int: { hidden_size: 2 } }),
      node('Clip', ['x', '', 'x'], 'y'),
    ];
    assert.deepEqual(opsOf(nodes, { initializers: weights }), ['Clip']);
  });

  it('nothing that is made of constants, but their dequantisers', () => {
    const initializers: TensorSpec[] = [
      { name: 'w', dims: [1000] },
      { name: 'q', dims: [1000], dataType: 3 },
      { name: 'scale', dims: [] },
    ];
    const nodes = [
      node('Exp', ['w'], 'e'),
      node('DequantizeLinear', ['q', 'scale'], 'd'),
      node('Add', ['e', 'x'], 'a'),
      node('Add', ['a', 'd'], 'y'),
    ];
    const { kernels, weightBytes } = analysed(nodes, { initializers });
    assert.deepEqual(
      kernels.map(({ ops }) => ops.join('+')),
      ['DequantizeLinear', 'Add', 'Add'],
    );
    // The folded constant, the bytes of the dequantiser with their scale, and the floats that it makes of them.
    assert.equal(weightBytes, 4000 + 1000 + 4 + 4000);
  });

  it('constants that several nodes read count once, those that nobody reads do not', () => {
    const initializers: TensorSpec[] = [
      { name: 'w', dims: [1000] },
      { name: 'unused', dims: [500] },
    ];
    const nodes = [node('Mul', ['x', 'w'], 'm'), node('Add', ['m', 'w'], 'y'), node('Exp', ['unused'], 'dead')];
    const { weightBytes, parameters } = analysed(nodes, { initializers });
    assert.deepEqual([weightBytes, parameters], [4000, 1500]);
  });

  it('no node whose output is its input', () => {
    const nodes = [node('Identity', ['x'], 'i'), node('Dropout', ['i'], 'd'), node('Exp', ['d'], 'y')];
    assert.deepEqual(opsOf(nodes), ['Exp']);
    assert.deepEqual(opsOf([node('Exp', ['x'], 'e'), node('Identity', ['e'], 'y')]), ['Exp']);
  });

  describe('the same work once', () => {
    const twice = (first: NodeSpec, second: NodeSpec) => [
      { ...first, outputs: ['a'] },
      { ...second, outputs: ['b'] },
      node('Mul', ['a', 'b'], 'y'),
    ];
    const ops = (first: NodeSpec, second: NodeSpec, mergesRepeats = true) =>
      opsOf(twice(first, second), { initializers: [{ name: 'w', dims: [1000] }] }, mergesRepeats);
    const add = (...inputs: string[]) => node('Add', inputs, '');

    it('where it is written twice: the same operator, inputs and attributes', () => {
      assert.deepEqual(ops(add('x', 'w'), add('x', 'w')), ['Add', 'Mul']);
      const sum = (names: string[]) =>
        node('CumSum', ['x', 'zero'], '', { int: Object.fromEntries(names.map((n) => [n, 1])) });
      const initializers = [int64Tensor('zero', [0])];
      const orders = twice(sum(['exclusive', 'reverse']), sum(['reverse', 'exclusive']));
      assert.deepEqual(opsOf(orders, { initializers }), ['CumSum', 'Mul']);
    });

    it('not where a runtime does not look for it', () => {
      assert.deepEqual(ops(add('x', 'w'), add('x', 'w'), false), ['Add', 'Add', 'Mul']);
    });

    it('not with other inputs, attributes or operators', () => {
      assert.deepEqual(ops(add('x', 'w'), add('w', 'x')), ['Add', 'Add', 'Mul']);
      assert.deepEqual(ops(add('x', 'w'), node('Sub', ['x', 'w'], '')), ['Add', 'Sub', 'Mul']);
      const leaky = (alpha: number) => node('LeakyRelu', ['x'], '', { float: { alpha } });
      assert.deepEqual(ops(leaky(0.1), leaky(0.2)), ['LeakyRelu', 'LeakyRelu', 'Mul']);
      const soft = (axis: number) => node('Softmax', ['x'], '', { int: { axis } });
      assert.deepEqual(ops(soft(0), soft(-1)), ['Softmax', 'Softmax', 'Mul']);
      const gelu = (domain: string) => node('Gelu', ['x'], '', { domain });
      const domains = twice(gelu(''), gelu('com.microsoft'));
      assert.deepEqual(opsOf(domains, { opset: 20, opsets: { 'com.microsoft': 1 } }), ['Gelu', 'Gelu', 'Mul']);
    });

    it('through chains: what reads the first reads the second', () => {
      const nodes = [
        node('Exp', ['x'], 'a1'),
        node('Exp', ['x'], 'b1'),
        node('Sin', ['a1'], 'a2'),
        node('Sin', ['b1'], 'b2'),
        node('Mul', ['a2', 'b2'], 'y'),
      ];
      assert.deepEqual(opsOf(nodes), ['Exp', 'Sin', 'Mul']);
    });

    it('with every output, and not with one that asks for others', () => {
      const topK = (values: string, places: string) => node('TopK', ['x', 'k'], [values, places]);
      const initializers = [int64Tensor('k', [3])];
      const same = [
        topK('v1', 'p1'),
        topK('v2', 'p2'),
        node('Cast', ['p2'], 'c', { int: { to: 1 } }),
        node('Mul', ['v1', 'c'], 'y'),
      ];
      assert.deepEqual(opsOf(same, { initializers }), ['TopK', 'Cast', 'Mul']);
      const layers: TensorSpec[] = [
        { name: 'w', dims: [1, 8, 10] },
        { name: 'r', dims: [1, 8, 2] },
        int64Tensor('sequence', [10, 10, 10]),
      ];
      const lstm = (...outputs: string[]) => node('LSTM', ['s', 'w', 'r'], outputs, { int: { hidden_size: 2 } });
      const unlike = [
        node('Reshape', ['x', 'sequence'], 's'),
        lstm('', 'state'),
        lstm('all'),
        node('Clip', ['all', '', 'state'], 'c'),
        node('Mul', ['c', 'state'], 'y'),
      ];
      assert.deepEqual(opsOf(unlike, { initializers: layers }), ['Reshape', 'LSTM', 'LSTM', 'Clip', 'Mul']);
    });

    it('not of nodes that hold a tensor', () => {
      const shape = int64Tensor('shape', [1000]);
      const make = node('ConstantOfShape', ['s'], '', { tensors: { value: { name: '', dims: [1] } } });
      const nodes = [node('Shape', ['x'], 's'), ...twice(make, make)];
      assert.deepEqual(opsOf(nodes, { initializers: [shape] }), ['Shape', 'ConstantOfShape', 'ConstantOfShape', 'Mul']);
    });
  });
});

describe('activations that are alive at once', () => {
  const peak = (nodes: NodeSpec[], rest: Partial<ModelSpec> = {}) => analysed(nodes, rest).peakActivationBytes;

  it('element by element, a kernel writes over what nobody else needs', () => {
    assert.equal(peak([node('Exp', ['x'], 'e'), node('Sin', ['e'], 'y')]), X);
    assert.equal(peak([node('Exp', ['x'], 'e'), node('Add', ['e', 'x'], 'y')]), 2 * X);
  });

  it('other kernels need their input and their output', () => {
    assert.equal(peak([node('Softmax', ['x'], 'y')]), 2 * X);
    assert.equal(peak([node('Softmax', ['x'], 's'), node('Softmax', ['s'], 'y')]), 2 * X);
  });

  it('a view shares its buffer', () => {
    const initializers = [int64Tensor('shape', [10, 100])];
    assert.equal(peak([node('Reshape', ['x', 'shape'], 'y')], { initializers }), X);
  });

  it('what is written over may be smaller than what is written', () => {
    const initializers: TensorSpec[] = [{ name: 'w', dims: [3, 1] }];
    // Three thousand floats, of which a thousand lie where x was.
    assert.equal(peak([node('Add', ['x', 'w'], 'y')], { initializers }), 3 * X);
    // The input is larger: nothing is needed on top.
    const cast = node('Cast', ['x'], 'y', { int: { to: 9 } });
    assert.equal(peak([cast]), X);
  });

  it('a value lives until it is read for the last time', () => {
    const residual = [
      node('Softmax', ['x'], 'a'),
      node('Softmax', ['a'], 'b'),
      node('Softmax', ['b'], 'c'),
      node('Add', ['a', 'c'], 'y'),
    ];
    // While c is made, a waits and b is read.
    assert.equal(peak(residual), 3 * X);
    const freed = [...residual.slice(0, 3), node('Exp', ['c'], 'y')];
    assert.equal(peak(freed), 2 * X);
  });

  it('an output of the graph lives to the end, an input to its last reader', () => {
    const nodes = [node('Softmax', ['x'], 'a'), node('Softmax', ['a'], 'b'), node('Softmax', ['b'], 'y')];
    assert.equal(peak(nodes), 2 * X);
    assert.equal(peak(nodes, { outputs: ['y', 'a'] }), 3 * X);
    const two = {
      inputs: [
        { name: 'x', shape: [1000] },
        { name: 'z', shape: [500] },
      ],
    };
    const joined = [
      node('Softmax', ['x'], 'a'),
      node('Softmax', ['z'], 'b'),
      node('Concat', ['a', 'b'], 'y', { int: { axis: 0 } }),
    ];
    // x, z and a; z, a and b; then a and b (x and z are gone), and y, which is as large as both.
    assert.equal(peak(joined, two), 2 * (X + 2000));
    // While a is made, z waits.
    assert.equal(peak(joined.slice(0, 2), { ...two, outputs: ['a', 'b'] }), 2 * X + 2000);
  });

  it('an output that nobody reads is gone at once; one that is left out never was', () => {
    const initializers = [int64Tensor('k', [500])];
    const top = (...outputs: string[]) => node('TopK', ['x', 'k'], outputs);
    // 500 values and 500 places of 8 bytes beside x; then the values and a copy of them.
    assert.equal(peak([top('v', 'p'), node('Softmax', ['v'], 'y')], { initializers }), X + 2000 + 4000);
    assert.equal(peak([top('v'), node('Softmax', ['v'], 'y')], { initializers }), X + 2000);
    const wide = [top('v', 'p'), node('Tile', ['v', 'four'], 'y')];
    assert.equal(peak(wide, { initializers: [...initializers, int64Tensor('four', [4])] }), X + 2000 + 4000);
    const wider = [top('v', 'p'), node('Tile', ['v', 'six'], 'y')];
    assert.equal(peak(wider, { initializers: [...initializers, int64Tensor('six', [6])] }), 2000 + 6 * 2000);
  });

  it('constants are no activations', () => {
    const initializers: TensorSpec[] = [{ name: 'w', dims: [1000] }];
    assert.equal(peak([node('Add', ['x', 'w'], 'y')], { initializers }), X);
  });
});
