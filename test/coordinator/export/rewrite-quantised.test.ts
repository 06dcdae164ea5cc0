/** What the quantiser writes, node by node, and which models it takes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { Tensor } from 'onnxruntime-node';
import { QuantiseError, quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import { buildOnnx, int64Tensor, type ModelSpec, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';

const node = (opType: string, inputs: string[], output: string, rest: Partial<NodeSpec> = {}): NodeSpec => ({
  opType,
  inputs,
  outputs: [output],
  ...rest,
});
const floats = (name: string, dims: number[], values: number[]): TensorSpec => ({
  name,
  dims,
  raw: new Uint8Array(Float32Array.from(values).buffer),
});
/** Two filters of one element each over one channel: 1 and -0.5, with biases 0.25 and 1. */
const FILTERS = [floats('w', [2, 1, 1, 1], [1, -0.5]), floats('b', [2], [0.25, 1])];
const conv = (to: string) => node('Conv', ['x', 'w', 'b'], to);
const model = (change: Partial<ModelSpec>): Uint8Array =>
  buildOnnx({
    inputs: [{ name: 'x', shape: ['n', 1, 1, 4] }],
    outputs: ['y'],
    initializers: FILTERS,
    nodes: [conv('y')],
    ...change,
  });
/** Values from -1 to 3: in steps of 4 / 255, and 64 is zero. */
const FEEDS = [{ x: new Tensor('float32', [-1, 0, 1, 3], [1, 1, 1, 4]) }];
const quantised = async (change: Partial<ModelSpec> = {}, feeds = FEEDS) =>
  readOnnx(await quantiseOnnx(model(change), feeds));

describe('a convolution that is rewritten', () => {
  it('reads integers of data, weights and bias through their dequantisers, and is quantised behind', async () => {
    const graph = await quantised();
    assert.deepEqual(
      graph.nodes.map(({ opType, inputs, outputs }) => [opType, inputs, outputs]),
      [
        ['QuantizeLinear', ['x', 'x_scale', 'x_zero_point'], ['x_quantised']],
        ['DequantizeLinear', ['x_quantised', 'x_scale', 'x_zero_point'], ['x_dequantised']],
        ['DequantizeLinear', ['w_quantised', 'w_scale', 'w_zero_point'], ['w_dequantised']],
        ['DequantizeLinear', ['b_quantised', 'b_scale', 'b_zero_point'], ['b_dequantised']],
        ['Conv', ['x_dequantised', 'w_dequantised', 'b_dequantised'], ['y_float']],
        ['QuantizeLinear', ['y_float', 'y_scale', 'y_zero_point'], ['y_quantised']],
        ['DequantizeLinear', ['y_quantised', 'y_scale', 'y_zero_point'], ['y']],
      ],
    );
  });

  it('with the integers and scales of the paper, a scale for each filter', async () => {
    const graph = await quantised();
    const of = (name: string) => {
      const tensor = graph.initializers.get(name);
      return [tensor?.dtype, tensor?.dims, tensor?.read()];
    };
    const data = Math.fround(4 / 255);
    assert.deepEqual(of('x_scale'), ['float32', [], [data]]);
    assert.deepEqual(of('x_zero_point'), ['uint8', [], [64]]);
    // 1 / 127 and 0.5 / 127: each filter has one weight only, that no other one is added to.
    const scales = [1 / 127, 0.5 / 127].map(Math.fround);
    assert.deepEqual(of('w_quantised'), ['int8', [2, 1, 1, 1], [127, -127]]);
    assert.deepEqual(of('w_scale'), ['float32', [2], scales]);
    assert.deepEqual(of('w_zero_point'), ['int8', [2], [0, 0]]);
    const sums = scales.map((scale) => Math.fround(scale * data));
    assert.deepEqual(of('b_scale'), ['float32', [2], sums]);
    assert.deepEqual(of('b_quantised'), [
      'int32',
      [2],
      [Math.round(0.25 / (sums[0] as number)), Math.round(1 / (sums[1] as number))],
    ]);
    assert.deepEqual(of('b_zero_point'), ['int32', [2], [0, 0]]);
    const axes = graph.nodes.map(({ attributes }) => attributes.get('axis')?.i ?? null);
    assert.deepEqual(axes, [null, null, 0, 0, null, null, null]);
    // The float weights are gone.
    assert.deepEqual(
      ['w', 'b'].filter((name) => graph.initializers.has(name)),
      [],
    );
  });

  it('keeps weights that somebody else reads or that are handed out', async () => {
    const shared = await quantised({
      nodes: [conv('c'), node('Reshape', ['c', 'flat'], 'f'), node('Sub', ['f', 'b'], 'y')],
      initializers: [...FILTERS, int64Tensor('flat', [-1, 2])],
    });
    assert.ok(shared.initializers.has('b') && !shared.initializers.has('w'));
    const handed = await quantised({ outputs: ['y', 'w'] });
    assert.ok(handed.initializers.has('w') && !handed.initializers.has('b'));
  });

  it('gives new values names that are free', async () => {
    const taken = [...FILTERS, floats('w_scale', [1], [7])];
    const nodes = [conv('c'), node('Mul', ['c', 'w_scale'], 'y')];
    const graph = await quantised({ initializers: taken, nodes });
    assert.deepEqual(graph.initializers.get('w_scale')?.read(), [7]);
    assert.deepEqual(graph.initializers.get('w_scale_')?.read(), [1 / 127, 0.5 / 127].map(Math.fround));
  });

  it('quantises weights that two convolutions share for each of them', async () => {
    const graph = await quantised({ nodes: [conv('c'), conv('d'), node('Sub', ['c', 'd'], 'y')] });
    const reads = graph.nodes.filter(({ opType }) => opType === 'Conv').map(({ inputs }) => inputs[1]);
    assert.equal(new Set(reads).size, 2);
    assert.equal([...graph.initializers.keys()].filter((name) => name.startsWith('w_quantised')).length, 2);
  });

  it('absorbs an activation, which keeps its name', async () => {
    const graph = await quantised({ nodes: [conv('c'), node('Relu', ['c'], 'y')] });
    assert.deepEqual(
      graph.nodes.filter(({ opType }) => !/uantizeLinear/.test(opType)).map(({ opType, outputs }) => [opType, outputs]),
      [['Conv', ['y_float']]],
    );
    // What is below zero has no integer.
    assert.deepEqual(graph.initializers.get('y_zero_point')?.read(), [0]);
  });

  it('is raised to the operator set in which quantisers have an axis', async () => {
    const opsets = async (opset: number) => [...(await quantised({ opset })).opsets];
    assert.deepEqual(
      [await opsets(7), await opsets(12), await opsets(13), await opsets(14)],
      [[['', 13]], [['', 13]], [['', 13]], [['', 14]]],
    );
  });

  it('drops operator sets that nobody uses', async () => {
    const graph = await quantised({ opsets: { 'ai.onnx.ml': 3, 'com.microsoft': 1 } });
    assert.deepEqual([...graph.opsets], [['', 17]]);
  });

  it('knows the range from all batches', async () => {
    const more = [...FEEDS, { x: new Tensor('float32', [0, 0, 0, 7], [1, 1, 1, 4]) }];
    const graph = await quantised({}, more);
    assert.deepEqual(graph.initializers.get('x_scale')?.read(), [Math.fround(8 / 255)]);
  });
});

describe('a product of a stack of matrices', () => {
  it('has one scale for all of its weights, and no axis', async () => {
    const change: Partial<ModelSpec> = {
      inputs: [{ name: 'x', shape: [1, 2, 2] }],
      initializers: [floats('m', [1, 2, 2], [1, 2, -4, 0.5])],
      nodes: [node('MatMul', ['x', 'm'], 'y')],
    };
    const graph = await quantised(change, [{ x: new Tensor('float32', [-1, 0, 1, 3], [1, 2, 2]) }]);
    assert.deepEqual(graph.initializers.get('m_quantised')?.read(), [32, 64, -127, 16]);
    assert.deepEqual(
      [graph.initializers.get('m_scale')?.dims, graph.initializers.get('m_scale')?.read()],
      [[], [Math.fround(4 / 127)]],
    );
    assert.ok(graph.nodes.every(({ attributes }) => !attributes.has('axis')));
  });
});

describe('which models are taken', () => {
  const refused = (onnx: Uint8Array, message: RegExp) =>
    assert.rejects(quantiseOnnx(onnx, FEEDS), (error: Error) => {
      assert.ok(error instanceof QuantiseError, error.stack);
      assert.match(error.message, message);
      return true;
    });

  it('of operator set 7 at least', async () => {
    await refused(model({ opset: 6 }), /operator set 6 is older than 7.*convert the model to operator set 13 or later/);
    assert.equal((await quantised({ opset: 7 })).opsets.get(''), 13);
  });

  it('trained and untrained models of one architecture stay one architecture', async () => {
    const other = [floats('w', [2, 1, 1, 1], [0.3, 0.7]), floats('b', [2], [0, 0])];
    assert.equal(signatureOf(await quantised()), signatureOf(await quantised({ initializers: other })));
  });

  it('what is constant, or does nothing, is folded first', async () => {
    const ops = async (...nodes: NodeSpec[]) =>
      (await quantised({ nodes })).nodes.map(({ opType }) => opType).filter((op) => !/uantizeLinear/.test(op));
    assert.deepEqual(await ops(conv('c'), node('Identity', ['c'], 'i'), node('Abs', ['i'], 'y')), ['Conv', 'Abs']);
    assert.deepEqual(await ops(node('Neg', ['w'], 'v'), node('Conv', ['x', 'v'], 'y')), ['Conv']);
  });
});
