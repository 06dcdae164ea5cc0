/** Which nodes become integer ones, and which values stand between them, on small graphs worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { planQuantisation } from '../../../coordinator/export/quantisation-plan.ts';
import { buildOnnx, int64Tensor, type ModelSpec, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';

const node = (
  opType: string,
  inputs: string[],
  outputs: string | string[],
  rest: Partial<NodeSpec> = {},
): NodeSpec => ({
  opType,
  inputs,
  outputs: typeof outputs === 'string' ? [outputs] : outputs,
  ...rest,
});
const scalar = (name: string, value: number): TensorSpec => ({
  name,
  dims: [],
  raw: new Uint8Array(Float32Array.of(value).buffer),
});
const WEIGHTS: TensorSpec[] = [
  { name: 'w', dims: [4, 4, 3, 3] },
  { name: 'b', dims: [4] },
  { name: 'm', dims: [8, 5] },
  { name: 'mb', dims: [5] },
  { name: 't', dims: [5, 8] },
  { name: 'stack', dims: [2, 8, 5] },
  { name: 'half', dims: [4, 4, 3, 3], dataType: 10 },
  { name: 'one', dims: [1] },
  scalar('zero', 0),
  scalar('six', 6),
  scalar('minus', -1),
  int64Tensor('shape', [0, -1]),
];

function planOf(nodes: NodeSpec[], change: Partial<ModelSpec> = {}) {
  const graph = readOnnx(
    buildOnnx({
      inputs: [{ name: 'x', shape: ['n', 4, 8, 8] }],
      outputs: ['y'],
      initializers: WEIGHTS,
      nodes,
      ...change,
    }),
  );
  const plan = planQuantisation(graph);
  return {
    contractions: [...plan.contractions].map(([{ outputs }, { weight, bias, channelAxis }]) => [
      outputs[0],
      weight.name,
      bias?.name ?? null,
      channelAxis,
    ]),
    tensors: [...plan.tensors],
    sharing: Object.fromEntries(plan.sharing),
    absorbed: [...plan.absorbed].map(([activation, before]) => [activation.outputs[0], before.outputs[0]]),
  };
}
const conv = (from: string, to: string) => node('Conv', [from, 'w', 'b'], to);
const NOTHING = { contractions: [], tensors: [], sharing: {}, absorbed: [] };

describe('convolutions and products with constant weights', () => {
  it('a convolution: a scale for each filter, its input and its output as integers', () => {
    assert.deepEqual(planOf([conv('x', 'y')]), {
      contractions: [['y', 'w', 'b', 0]],
      tensors: ['x', 'y'],
      sharing: {},
      absorbed: [],
    });
    assert.deepEqual(planOf([node('Conv', ['x', 'w'], 'y')]).contractions, [['y', 'w', null, 0]]);
  });

  it('a product: a scale for each column, of a stack one for all; its output stays float', () => {
    assert.deepEqual(planOf([node('MatMul', ['x', 'm'], 'y')]), {
      contractions: [['y', 'm', null, 1]],
      tensors: ['x'],
      sharing: {},
      absorbed: [],
    });
    assert.deepEqual(planOf([node('MatMul', ['x', 'stack'], 'y')]).contractions, [['y', 'stack', null, null]]);
    assert.deepEqual(planOf([node('Gemm', ['x', 'm', 'mb'], 'y')]).contractions, [['y', 'm', 'mb', 1]]);
    const turned = node('Gemm', ['x', 't', 'mb'], 'y', { int: { transB: 1 } });
    assert.deepEqual(planOf([turned]).contractions, [['y', 't', 'mb', 0]]);
    // Only of a Gemm does the attribute mean anything.
    const other = node('MatMul', ['x', 'm'], 'y', { int: { transB: 1 } });
    assert.deepEqual(planOf([other]).contractions, [['y', 'm', null, 1]]);
  });

  it('the output of a product becomes integers where the next one reads it', () => {
    const two = planOf([node('MatMul', ['x', 'm'], 'h'), node('MatMul', ['h', 't'], 'y')]);
    assert.deepEqual(two.tensors, ['x', 'h']);
    const relu = planOf([node('MatMul', ['x', 'm'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 't'], 'y')]);
    assert.deepEqual([relu.tensors, relu.absorbed], [['x', 'r'], [['r', 'h']]]);
  });

  it('not with weights that are fed, of another type, or constant data', () => {
    const fed = {
      inputs: [
        { name: 'x', shape: ['n', 4, 8, 8] },
        { name: 'v', shape: [4, 4, 3, 3] },
      ],
    };
    assert.deepEqual(planOf([node('Conv', ['x', 'v'], 'y')], fed), NOTHING);
    assert.deepEqual(planOf([node('Conv', ['x', 'half'], 'y')]), NOTHING);
    assert.deepEqual(planOf([node('MatMul', ['stack', 'm'], 'z'), node('Relu', ['x'], 'y')]), NOTHING);
    assert.deepEqual(planOf([node('MatMul', ['x', 'm'], 'y', { domain: 'com.microsoft' })]), NOTHING);
  });

  it('not with a bias that is fed or has another number of values than there are channels', () => {
    assert.deepEqual(planOf([node('Gemm', ['x', 'm', 'x'], 'y')]), NOTHING);
    assert.deepEqual(planOf([node('Gemm', ['x', 'm', 'one'], 'y')]), NOTHING);
    assert.deepEqual(planOf([node('Conv', ['x', 'w', 'mb'], 'y')]), NOTHING);
  });

  it('not a Gemm that scales or turns what it reads', () => {
    for (const rest of [{ float: { alpha: 0.5 } }, { float: { beta: 2 } }, { int: { transA: 1 } }])
      assert.deepEqual(planOf([node('Gemm', ['x', 'm', 'mb'], 'y', rest)]), NOTHING);
    const plain = { float: { alpha: 1, beta: 1 }, int: { transA: 0 } };
    assert.equal(planOf([node('Gemm', ['x', 'm', 'mb'], 'y', plain)]).contractions.length, 1);
  });
});

describe('the activation behind a convolution', () => {
  const absorbed = (nodes: NodeSpec[], change: Partial<ModelSpec> = {}) => planOf(nodes, change).absorbed;

  it('is performed by the range of the integers: a Relu, or a Clip around zero', () => {
    const relu = planOf([conv('x', 'c'), node('Relu', ['c'], 'y')]);
    assert.deepEqual([relu.tensors, relu.absorbed], [['x', 'y'], [['y', 'c']]]);
    const clip = (...bounds: string[]) => absorbed([conv('x', 'c'), node('Clip', ['c', ...bounds], 'y')]);
    assert.deepEqual(clip('zero', 'six'), [['y', 'c']]);
    assert.deepEqual(clip('minus', 'zero'), [['y', 'c']]);
    assert.deepEqual(clip(), [['y', 'c']]);
    assert.deepEqual(clip('', 'six'), [['y', 'c']]);
    assert.deepEqual(clip('six', ''), []);
    assert.deepEqual(clip('minus', 'minus'), []);
    assert.deepEqual(clip('zero', 'x'), []);
  });

  it('with the bounds as attributes, as older operator sets write them', () => {
    const clip = (float: Record<string, number>) =>
      absorbed([conv('x', 'c'), node('Clip', ['c'], 'y', { float })], { opset: 10 });
    assert.deepEqual(clip({ min: 0, max: 6 }), [['y', 'c']]);
    assert.deepEqual(clip({ min: 1, max: 6 }), []);
    assert.deepEqual(clip({ min: -6, max: -1 }), []);
    assert.deepEqual(clip({ max: 6 }), [['y', 'c']]);
  });

  it('not where others read the value, inside or outside', () => {
    const relu = [conv('x', 'c'), node('Relu', ['c'], 'r')];
    assert.deepEqual(absorbed([...relu, node('Add', ['c', 'r'], 'y')]), []);
    assert.deepEqual(absorbed([conv('x', 'c'), node('Relu', ['c'], 'y')], { outputs: ['y', 'c'] }), []);
    const body = { inputs: [], nodes: [node('Neg', ['c'], 'n')], outputs: ['n'] };
    const control = node('If', ['yes'], 'y', { graphs: { then_branch: body, else_branch: body } });
    const yes: TensorSpec = { name: 'yes', dims: [], dataType: 9 };
    assert.deepEqual(absorbed([...relu, control], { initializers: [...WEIGHTS, yes], outputs: ['y', 'r'] }), []);
    const handed = { inputs: [], nodes: [], outputs: ['c'] };
    const handing = node('If', ['yes'], 'y', { graphs: { then_branch: handed, else_branch: handed } });
    assert.deepEqual(absorbed([...relu, handing], { initializers: [...WEIGHTS, yes], outputs: ['y', 'r'] }), []);
  });

  it('not another activation, and not a value that bounds another', () => {
    assert.deepEqual(absorbed([conv('x', 'c'), node('Sigmoid', ['c'], 'y')]), []);
    assert.deepEqual(absorbed([conv('x', 'c'), node('Clip', ['x', 'c'], 'y')]), []);
  });
});

describe('what stands between them', () => {
  const COMPUTING = ['AveragePool', 'GlobalAveragePool', 'Sigmoid', 'LeakyRelu'];
  const MOVING = ['MaxPool', 'Flatten', 'Squeeze', 'Transpose', 'Unsqueeze'];

  it('operators that compute on integers get a range of their own', () => {
    for (const op of COMPUTING) {
      const plan = planOf([conv('x', 'c'), node(op, ['c'], 'y')]);
      assert.deepEqual([plan.tensors, plan.sharing], [['x', 'c', 'y'], {}], op);
    }
    for (const op of ['Add', 'Mul', 'Concat'])
      assert.deepEqual(planOf([conv('x', 'c'), node(op, ['c', 'x'], 'y')]).tensors, ['x', 'c', 'y'], op);
  });

  it('operators that move values share the range of what they move, in a row too', () => {
    for (const op of MOVING) {
      const plan = planOf([conv('x', 'c'), node(op, ['c'], 'y')]);
      assert.deepEqual([plan.tensors, plan.sharing], [['x', 'c', 'y'], { y: 'c' }], op);
    }
    const row = planOf([conv('x', 'c'), node('Reshape', ['c', 'shape'], 'r'), node('Flatten', ['r'], 'y')]);
    assert.deepEqual(row.sharing, { r: 'c', y: 'c' });
  });

  it('an activation behind them is absorbed too', () => {
    const plan = planOf([conv('x', 'c'), node('Add', ['c', 'x'], 's'), node('Relu', ['s'], 'y')]);
    assert.deepEqual([plan.tensors, plan.absorbed], [['x', 'c', 'y'], [['y', 's']]]);
  });

  it('not where one of the operands is float', () => {
    const inputs = [
      { name: 'x', shape: ['n', 4, 8, 8] },
      { name: 'z', shape: ['n', 4, 8, 8] },
    ];
    assert.deepEqual(planOf([conv('x', 'c'), node('Add', ['c', 'z'], 'y')], { inputs }).tensors, ['x', 'c']);
    assert.deepEqual(
      planOf([conv('x', 'c'), node('Flatten', ['z'], 'f'), node('Relu', ['c'], 'y')], { inputs }).tensors,
      ['x', 'y'],
    );
  });

  it('not operators of ONNX Runtime, and not other operators', () => {
    const foreign = { domain: 'com.microsoft' };
    assert.deepEqual(planOf([conv('x', 'c'), node('Add', ['c', 'x'], 'y', foreign)]).tensors, ['x', 'c']);
    assert.deepEqual(planOf([conv('x', 'c'), node('Flatten', ['c'], 'y', foreign)]).tensors, ['x', 'c']);
    assert.deepEqual(planOf([conv('x', 'c'), node('Softmax', ['c'], 'y')]).tensors, ['x', 'c']);
  });

  it('MaxPool since it takes integers, and without the places of the largest', () => {
    const pool = (opset: number) => planOf([conv('x', 'c'), node('MaxPool', ['c'], 'y')], { opset }).tensors;
    assert.deepEqual(
      [pool(11), pool(12)],
      [
        ['x', 'c'],
        ['x', 'c', 'y'],
      ],
    );
    assert.deepEqual(planOf([conv('x', 'c'), node('MaxPool', ['c'], ['y', 'places'])]).tensors, ['x', 'c']);
    const flat = planOf([conv('x', 'c'), node('Flatten', ['c'], 'y')], { opset: 11 });
    assert.deepEqual(flat.tensors, ['x', 'c', 'y']);
  });

  it('any output that a convolution reads becomes integers, whoever makes it', () => {
    const split = node('Split', ['s'], ['left', 'right']);
    const plan = planOf([node('Sin', ['x'], 's'), split, conv('right', 'y')]);
    assert.deepEqual(plan.tensors, ['right', 'y']);
  });
});
