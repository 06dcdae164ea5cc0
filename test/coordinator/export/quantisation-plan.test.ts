/** Which nodes become integer ones, and which values stand between them, on small graphs worked out by hand. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { type PlanOptions, planQuantisation } from '../../../coordinator/export/quantisation-plan.ts';
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
  { name: 'column', dims: [5, 1] },
  { name: 'table', dims: [256, 8] },
  { name: 'small', dims: [4, 8] },
  { name: 'vector', dims: [4096] },
  scalar('zero', 0),
  scalar('six', 6),
  scalar('minus', -1),
  int64Tensor('shape', [0, -1]),
];

function planOf(nodes: NodeSpec[], change: Partial<ModelSpec> = {}, options: PlanOptions = {}) {
  const graph = readOnnx(
    buildOnnx({
      inputs: [{ name: 'x', shape: ['n', 4, 8, 8] }],
      outputs: ['y'],
      initializers: WEIGHTS,
      nodes,
      ...change,
    }),
  );
  const plan = planQuantisation(graph, options);
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
    assert.deepEqual(planOf([node('Gemm', ['x', 'm', 'column'], 'y')]), NOTHING);
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
  const MOVING = ['MaxPool', 'Flatten', 'Squeeze', 'Transpose', 'Unsqueeze', 'Slice', 'Split', 'Expand', 'Tile'];

  /** Another convolution behind: what leads to none is computed with as float. */
  const behind = node('Conv', ['y', 'w', 'b'], 'z');
  const onward = { outputs: ['z'] };

  it('operators that compute on integers get a range of their own', () => {
    for (const op of COMPUTING) {
      const plan = planOf([conv('x', 'c'), node(op, ['c'], 'y'), behind], onward);
      assert.deepEqual([plan.tensors, plan.sharing], [['x', 'c', 'y', 'z'], {}], op);
    }
    for (const op of ['Add', 'Mul', 'Concat'])
      assert.deepEqual(
        planOf([conv('x', 'c'), node(op, ['c', 'x'], 'y'), behind], onward).tensors,
        ['x', 'c', 'y', 'z'],
        op,
      );
  });

  it('what no integer kernel reads any more keeps the resolution that float has', () => {
    for (const op of ['Add', 'Mul', 'Concat'])
      assert.deepEqual(planOf([conv('x', 'c'), node(op, ['c', 'x'], 'y')]).tensors, ['x', 'c'], op);
    for (const op of COMPUTING)
      assert.deepEqual(planOf([conv('x', 'c'), node(op, ['c'], 'y')]).tensors, ['x', 'c'], op);
    // On the way to a convolution, but through what has no integer kernel.
    const through = [conv('x', 'c'), node('Sigmoid', ['c'], 's'), node('Sin', ['s'], 'y'), behind];
    assert.deepEqual(planOf(through, onward).tensors, ['x', 'c', 'y', 'z']);
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
    const plan = planOf([conv('x', 'c'), node('Add', ['c', 'x'], 's'), node('Relu', ['s'], 'y'), behind], onward);
    assert.deepEqual([plan.tensors, plan.absorbed], [['x', 'c', 'y', 'z'], [['y', 's']]]);
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

  it('every part of a Split shares the range of the whole', () => {
    const plan = planOf([conv('x', 'c'), node('Split', ['c'], ['left', 'right']), conv('right', 'y')]);
    assert.deepEqual([plan.tensors, plan.sharing], [['x', 'c', 'left', 'right', 'y'], { left: 'c', right: 'c' }]);
  });

  it('a Resize on its way to a convolution, unless it overshoots', () => {
    const resized = (strings: Record<string, string>, ...more: NodeSpec[]) =>
      planOf([conv('x', 'c'), node('Resize', ['c', '', 'one'], 'y', { strings }), ...more], onward).sharing;
    assert.deepEqual(resized({ mode: 'nearest' }, behind), { y: 'c' });
    assert.deepEqual(resized({ mode: 'linear' }, behind), { y: 'c' });
    assert.deepEqual(resized({ mode: 'cubic' }, behind), {});
    assert.deepEqual(resized({ mode: 'nearest' }, node('Sin', ['y'], 'z')), {});
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

describe('products of matrices', () => {
  const forms = (nodes: NodeSpec[], ranks: Record<string, number>) => {
    const graph = readOnnx(
      buildOnnx({ inputs: [{ name: 'x', shape: ['n', 8] }], outputs: ['y'], initializers: WEIGHTS, nodes }),
    );
    const plan = planQuantisation(graph, { ranks: new Map(Object.entries(ranks)) });
    return [...plan.contractions.values()].map(({ form }) => form);
  };
  const dense = [node('MatMul', ['x', 'm'], 'p'), node('Add', ['p', 'mb'], 'y')];

  it('are a Gemm, as the runtime makes one of them; those of stacks, or of what nobody knows, are not', () => {
    assert.deepEqual(forms(dense, { x: 2 }), ['Gemm']);
    assert.deepEqual(forms([node('MatMul', ['x', 'm'], 'y')], { x: 2 }), ['Gemm']);
    assert.deepEqual(forms(dense, { x: 3 }), ['MatMulIntegerToFloat']);
    assert.deepEqual(forms(dense, {}), ['MatMulIntegerToFloat']);
    assert.deepEqual(forms([node('MatMul', ['x', 'stack'], 'y')], { x: 2 }), ['MatMulIntegerToFloat']);
  });

  it('take the bias that is added behind, on either side of the Add', () => {
    for (const operands of [
      ['p', 'mb'],
      ['mb', 'p'],
    ]) {
      const plan = planOf([node('MatMul', ['x', 'm'], 'p'), node('Add', operands, 'y')]);
      assert.deepEqual([plan.contractions, plan.absorbed], [[['p', 'm', 'mb', 1]], [['y', 'p']]]);
    }
  });

  it('and the activation behind that, where the next product reads it', () => {
    const plan = planOf([
      node('MatMul', ['x', 'm'], 'p'),
      node('Add', ['p', 'mb'], 's'),
      node('Relu', ['s'], 'r'),
      node('Reshape', ['r', 'shape'], 'f'),
      node('MatMul', ['f', 't'], 'y'),
    ]);
    assert.deepEqual(plan.absorbed, [
      ['s', 'p'],
      ['r', 'p'],
    ]);
    assert.deepEqual([plan.tensors, plan.sharing], [['x', 'r', 'f'], { f: 'r' }]);
  });

  it('not what is no bias: a row that is fed, a column, a product that others read', () => {
    const unbiased = (...nodes: NodeSpec[]) => planOf([node('MatMul', ['x', 'm'], 'p'), ...nodes]).absorbed;
    assert.deepEqual(unbiased(node('Add', ['p', 'x'], 'y')), []);
    assert.deepEqual(unbiased(node('Add', ['p', 'column'], 'y')), []);
    assert.deepEqual(unbiased(node('Add', ['p', 'one'], 'y')), []);
    assert.deepEqual(unbiased(node('Sub', ['p', 'mb'], 'y')), []);
    assert.deepEqual(unbiased(node('Add', ['p', 'mb'], 's'), node('Mul', ['s', 'p'], 'y')), []);
    assert.deepEqual(unbiased(node('Add', ['p', 'mb'], 'y', { domain: 'com.microsoft' })), []);
  });
});

describe('embeddings', () => {
  const tables = (...nodes: NodeSpec[]) => {
    const graph = readOnnx(
      buildOnnx({
        inputs: [{ name: 'ids', shape: ['n'], dataType: 7 }],
        outputs: ['y'],
        initializers: WEIGHTS,
        nodes,
      }),
    );
    return [...planQuantisation(graph).embeddings.values()].map(({ name }) => name);
  };

  it('are rows of a constant table that are looked up', () => {
    assert.deepEqual(tables(node('Gather', ['table', 'ids'], 'y')), ['table']);
  });

  it('not of a small table, of single values, along another axis, or of what is computed', () => {
    assert.deepEqual(tables(node('Gather', ['small', 'ids'], 'y')), []);
    assert.deepEqual(tables(node('Gather', ['vector', 'ids'], 'y')), []);
    assert.deepEqual(tables(node('Gather', ['table', 'ids'], 'y', { int: { axis: 1 } })), []);
    assert.deepEqual(tables(node('Sin', ['table'], 's'), node('Gather', ['s', 'ids'], 'y')), []);
    assert.deepEqual(tables(node('GatherElements', ['table', 'ids'], 'y')), []);
  });
});

describe('what is to stay float', () => {
  const nodes = [conv('x', 'c'), node('Concat', ['c', 'x'], 'k'), conv('k', 'y')];

  it('stays so, and what reads it computes in float', () => {
    const plan = planOf(nodes, {}, { float: new Set(['k', 'y']) });
    assert.deepEqual([plan.contractions, plan.tensors], [[['c', 'w', 'b', 0]], ['x', 'c']]);
  });

  it('a convolution that leads to no other kernel is a head: its channels are results', () => {
    const heads = (...all: NodeSpec[]) =>
      planQuantisation(
        readOnnx(
          buildOnnx({
            inputs: [{ name: 'x', shape: ['n', 4, 8, 8] }],
            outputs: ['y'],
            initializers: WEIGHTS,
            nodes: all,
          }),
        ),
      ).heads.map(({ node: { outputs }, tensor }) => [outputs[0], tensor]);
    assert.deepEqual(heads(conv('x', 'c'), node('Relu', ['c'], 'r'), conv('r', 'y')), [['y', 'y']]);
    assert.deepEqual(heads(conv('x', 'c'), node('Relu', ['c'], 'r'), node('Sin', ['r'], 'y')), [['c', 'r']]);
  });
});
