/** Sizes that a model leaves open, values that shapes are made of, and models that cannot be sized. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { inferShapes, inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import type { Sizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { buildOnnx, type Dimension, int64Tensor, type ModelSpec, type NodeSpec } from '../../support/onnx-builder.ts';
import { proto } from '../../support/protobuf.ts';
import { node, refused } from './support.ts';

const model = (inputs: Dimension[][], change: Partial<ModelSpec> = {}) =>
  readOnnx(
    buildOnnx({
      inputs: inputs.map((shape, index) => ({ name: `x${index}`, shape })),
      nodes: [node('Relu', ['x0'], 'y')],
      outputs: ['y'],
      ...change,
    }),
  );
const shapes = (inputs: Dimension[][], sizes: Sizes) => [...inputShapes(model(inputs), sizes).values()];

describe('the sizes of inputs', () => {
  it('a batch that the model fixes is the only one, unless some input leaves it open', () => {
    assert.deepEqual(shapes([[4, 3]], { batchSize: 4 }), [[4, 3]]);
    assert.deepEqual(shapes([[4, 3]], { batchSize: 1 }), [[4, 3]]);
    refused('fixed-batch', /input "x0": the model's batch is fixed at 4; it cannot run with 2/, () =>
      shapes([[4, 3]], { batchSize: 2 }),
    );
    refused('fixed-batch', /fixed at 1;/, () => shapes([[]], { batchSize: 2 }));
    assert.deepEqual(
      shapes(
        [
          [4, 3],
          ['batch', 3],
        ],
        { batchSize: 2 },
      ),
      [
        [4, 3],
        [2, 3],
      ],
    );
    const constant = model([], { nodes: [node('Constant', [], 'y', { int: { value_int: 3 } })] });
    assert.equal(inputShapes(constant, { batchSize: 2 }).size, 0);
  });

  it('what is no tensor of a known rank, or of numbers, is refused', () => {
    const input = (type: Uint8Array) =>
      readOnnx(
        proto(
          [1, 8],
          [
            7,
            proto([1, proto([1, 'x'], [2, 'y'], [4, 'Relu'])], [11, proto([1, 'x'], [2, type])], [12, proto([1, 'y'])]),
          ],
        ),
      );
    const sized = (type: Uint8Array) => () => inferShapes(input(type), { batchSize: 1 });
    refused('unsupported-type', /input "x": a sequence is not supported; only tensors are/, sized(proto([4, proto()])));
    refused('dynamic-dimension', /input "x": the model does not say its rank/, sized(proto([1, proto([1, 1])])));
    refused('unsupported-type', /input "x": strings are not supported/, sized(proto([1, proto([1, 8], [2, proto()])])));
  });
});

describe('operators that cannot be sized', () => {
  const sized =
    (...nodes: NodeSpec[]) =>
    () =>
      inferShapes(model([[2]], { nodes }), { batchSize: 1 });

  it('unknown ones, by name and domain, also if an object has something of that name', () => {
    refused(
      'unsupported-operator',
      /node "y": the cost model does not know the operator SequenceAt;/,
      sized(node('SequenceAt', ['x0'], 'y')),
    );
    refused('unsupported-operator', /operator toString;/, sized(node('toString', ['x0'], 'y')));
    const foreign = node('QLinearAdd', ['x0', 'x0', 'x0'], 'y');
    refused('unsupported-operator', /operator QLinearAdd;/, sized(foreign));
    refused(
      'unsupported-operator',
      /operator com.microsoft::Relu;/,
      sized(node('Relu', ['x0'], 'y', { domain: 'com.microsoft' })),
    );
  });

  it('constants that are no numbers, and strings', () => {
    refused(
      'unsupported-type',
      /node "y" \(Constant\): only numeric constants/,
      sized(node('Constant', [], 'y', { strings: { value_string: 'a' } })),
    );
    refused(
      'unsupported-type',
      /node "y" \(Cast\): strings are not supported/,
      sized(node('Cast', ['x0'], 'y', { int: { to: 8 } })),
    );
  });
});

describe('shapes that the graph computes', () => {
  const shapeOf = (nodes: NodeSpec[], change: Partial<ModelSpec> = {}, batchSize = 3) =>
    inferShapes(model([['batch', 4, 6]], { nodes, ...change }), { batchSize }).get('y')?.shape;

  it('from the sizes of an input, as exporters write it', () => {
    const initializers = [
      int64Tensor('zero', [0]),
      int64Tensor('one', [1]),
      int64Tensor('rest', [-1]),
      int64Tensor('two', [2]),
    ];
    const nodes = [
      node('Shape', ['x0'], 'shape'),
      node('Gather', ['shape', 'zero'], 'batch'),
      node('Slice', ['shape', 'one', 'two', 'zero'], 'height'),
      node('Mul', ['height', 'two'], 'doubled'),
      node('Concat', ['batch', 'doubled', 'rest'], 'target', { int: { axis: 0 } }),
      node('Reshape', ['x0', 'target'], 'y'),
    ];
    assert.deepEqual(shapeOf(nodes, { initializers }), [3, 8, 3]);
  });

  it('from constants in nodes, and single numbers', () => {
    const nodes = [
      node('Constant', [], 'shape', { ints: { value_ints: [4, -1] } }),
      node('Constant', [], 'two', { int: { value_int: 2 } }),
      node('Mul', ['shape', 'two'], 'half'),
      node('Div', ['half', 'two'], 'target'),
      node('Reshape', ['x0', 'target'], 'y'),
    ];
    assert.deepEqual(shapeOf(nodes), [4, 18]);
  });

  it('from pads as PyTorch writes them: pairs from behind, turned into all beginnings and all ends', () => {
    // F.pad(x, (1, 2, 3, 4)) of three axes: nothing at the first, 3 and 4 at the second, 1 and 2 at the third.
    const initializers = [
      int64Tensor('given', [1, 2, 3, 4]),
      int64Tensor('missing', [2]),
      int64Tensor('pairs', [-1, 2]),
      int64Tensor('last', [-1]),
      int64Tensor('before', [-(2 ** 53)]),
      int64Tensor('rows', [0]),
      int64Tensor('flat', [-1]),
    ];
    const nodes = [
      node('ConstantOfShape', ['missing'], 'zeros', { tensors: { value: int64Tensor('', [0]) } }),
      node('Concat', ['given', 'zeros'], 'all', { int: { axis: 0 } }),
      node('Reshape', ['all', 'pairs'], 'paired'),
      node('Slice', ['paired', 'last', 'before', 'rows', 'last'], 'reversed'),
      node('Transpose', ['reversed'], 'turned', { ints: { perm: [1, 0] } }),
      node('Reshape', ['turned', 'flat'], 'long'),
      node('Cast', ['long'], 'pads', { int: { to: 7 } }),
      node('Pad', ['x0', 'pads'], 'y'),
    ];
    assert.deepEqual(shapeOf(nodes, { initializers }), [3, 4 + 3 + 4, 6 + 1 + 2]);
  });

  it('not from long lists, which are data: 4096 elements are the most that is followed', () => {
    const sized = (count: number) => {
      const initializers = [
        int64Tensor('long', Array<number>(count).fill(1)),
        int64Tensor('one', [1]),
        int64Tensor('none', [0]),
      ];
      const nodes = [node('Slice', ['long', 'none', 'one'], 'first'), node('Expand', ['x0', 'first'], 'y')];
      return () => shapeOf(nodes, { initializers });
    };
    assert.deepEqual(sized(4096)(), [3, 4, 6]);
    refused('invalid-shape', /input "first" decides a shape but depends on the data/, sized(4097));
  });

  it('what is computed is longer than that only as data too', () => {
    const ranged = (count: number) => {
      const number = (name: string, value: number) => ({ ...int64Tensor(name, [value]), dims: [] });
      const initializers = [
        number('from', 3),
        number('to', count + 3),
        number('by', 1),
        int64Tensor('none', [0]),
        int64Tensor('one', [1]),
      ];
      const nodes = [
        node('Range', ['from', 'to', 'by'], 'all'),
        node('Add', ['all', 'all'], 'twice'),
        node('Slice', ['twice', 'none', 'one'], 'first'),
        node('Expand', ['x0', 'first'], 'y'),
      ];
      return () => shapeOf(nodes, { initializers });
    };
    // It begins with 2 · 3.
    assert.deepEqual(ranged(4096)(), [3, 4, 6]);
    refused('invalid-shape', /depends on the data/, ranged(4097));
  });
});

it("an analysis of a batch: sizes, parameters, MACs, and a signature that is the graph's", () => {
  const graph = buildOnnx({
    inputs: [{ name: 'x0', shape: ['batch', 10] }],
    initializers: [
      { name: 'w', dims: [10, 4] },
      { name: 'v', dims: [4, 2] },
      { name: 'b', dims: [4] },
    ],
    nodes: [node('Gemm', ['x0', 'w', 'b'], 'h'), node('Relu', ['h'], 'r'), node('MatMul', ['r', 'v'], 'y')],
    outputs: ['y'],
  });
  const one = analyseModel(graph, { batchSize: 1 });
  const eight = analyseModel(graph, { batchSize: 8 });
  assert.deepEqual([one.batchSize, eight.batchSize], [1, 8]);
  assert.deepEqual([one.macs, eight.macs], [10 * 4 + 4 * 2, 8 * (10 * 4 + 4 * 2)]);
  assert.deepEqual([one.parameters, eight.parameters], [40 + 8 + 4, 40 + 8 + 4]);
  assert.deepEqual([one.weightBytes, eight.weightBytes], [4 * 52, 4 * 52]);
  assert.deepEqual([...eight.inputShapes], [['x0', [8, 10]]]);
  assert.equal(one.precision, 'float32');
  assert.equal(one.signature, eight.signature);
});
