import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import {
  buildOnnx,
  type GraphSpec,
  int64Tensor,
  type ModelSpec,
  type NodeSpec,
  type TensorSpec,
} from '../../support/onnx-builder.ts';
import { accepted, node } from './support.ts';

interface Variant {
  prefix?: string;
  weight?: number;
  channels?: number;
  stride?: number;
  target?: number[];
  dataType?: number;
  activation?: string;
  shared?: boolean;
  reversed?: boolean;
  batch?: string;
}

function model(variant: Variant = {}): ModelSpec {
  const { prefix = '', weight = 0, channels = 4, stride = 1, target = [0, -1], batch = 'batch' } = variant;
  const name = (text: string) => `${prefix}${text}`;
  const dims = [channels, 3, 3, 3];
  const raw = new Uint8Array(new Float32Array(channels * 27).fill(weight).buffer);
  const dataType = variant.dataType ?? 1;
  const filled = dataType === 1 ? { raw } : {};
  const nodes = [
    { opType: 'Conv', inputs: ['x', 'w1'], outputs: ['a'], ints: { strides: [stride, stride] } },
    {
      opType: 'Conv',
      inputs: ['x', variant.shared ? 'w1' : 'w2'],
      outputs: ['b'],
      ints: { strides: [stride, stride] },
    },
    { opType: 'Add', inputs: ['a', 'b'], outputs: ['c'] },
    { opType: variant.activation ?? 'Relu', inputs: ['c'], outputs: ['d'] },
    { opType: 'Reshape', inputs: ['d', 'target'], outputs: ['y'] },
  ].map((node) => ({ ...node, inputs: node.inputs.map(name), outputs: node.outputs.map(name) }));
  return {
    inputs: [{ name: name('x'), shape: [batch, 3, 8, 8] }],
    initializers: [
      { name: name('w1'), dims, dataType, ...filled },
      { name: name('w2'), dims, dataType, ...filled },
      int64Tensor(name('target'), target),
    ],
    nodes: variant.reversed ? nodes.reverse() : nodes,
    outputs: [name('y')],
  };
}

const signature = (variant?: Variant) => accepted(() => signatureOf(readOnnx(buildOnnx(model(variant)))));

test('names, weights, the names of open sizes and the order in the file do not matter', () => {
  const plain = signature();
  assert.match(plain, /^[0-9a-f]{64}$/);
  assert.equal(signature({ prefix: 'other/' }), plain);
  assert.equal(signature({ weight: 0.5 }), plain);
  assert.equal(signature({ batch: 'N' }), plain);
  assert.equal(signature({ reversed: true }), plain);
});

test('shapes, types, attributes, operators, connections and shape-like values matter', () => {
  const variants: Variant[] = [
    {},
    { channels: 8 },
    { stride: 2 },
    { target: [0, 4, -1] },
    { target: [-1, 36] },
    { dataType: 10 },
    { activation: 'Sigmoid' },
    // An operator of somebody's own, by a name that every object has.
    { activation: 'toString' },
    { shared: true },
  ];
  assert.equal(new Set(variants.map(signature)).size, variants.length);
});

describe('of one model and another', () => {
  const base: ModelSpec = {
    inputs: [{ name: 'x', shape: ['n', 4] }],
    nodes: [node('Relu', ['x'], 'y')],
    outputs: ['y'],
  };
  const of = (change: Partial<ModelSpec>) => accepted(() => signatureOf(readOnnx(buildOnnx({ ...base, ...change }))));
  const same = (one: Partial<ModelSpec>, other: Partial<ModelSpec>) => assert.equal(of(one), of(other));
  const differ = (one: Partial<ModelSpec>, other: Partial<ModelSpec>) => assert.notEqual(of(one), of(other));
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
  const ints = (...values: number[]) => new Uint8Array(Int32Array.from(values).buffer);

  it('what is read decides: dead nodes, names and further inputs of the same kind', () => {
    same({}, { nodes: [node('Relu', ['x'], 'y'), node('Exp', ['x'], 'dead')] });
    differ({}, { outputs: ['y', 'y'] });
    const two: Partial<ModelSpec> = { nodes: [node('Relu', ['x'], 'y'), node('Exp', ['x'], 'z')] };
    differ({ ...two, outputs: ['y', 'z'] }, { ...two, outputs: ['z', 'y'] });
  });

  it('which of the open sizes are equal, and the sizes and types of inputs', () => {
    const inputs = (...shapes: (number | string)[][]): Partial<ModelSpec> => ({
      inputs: shapes.map((shape, index) => ({ name: index === 0 ? 'x' : `x${index}`, shape })),
    });
    same(inputs(['n', 'm']), inputs(['a', 'b']));
    differ(inputs(['n', 'm']), inputs(['n', 'n']));
    differ(inputs(['n'], ['n']), inputs(['n'], ['m']));
    same(inputs(['n', 't'], ['t', 'n']), inputs(['t', 'n'], ['n', 't']));
    differ(inputs(['n', 4]), inputs(['n', 5]));
    differ(inputs(['n', 4]), inputs(['n', 'm']));
    differ({}, { inputs: [{ name: 'x', shape: ['n', 4], dataType: 10 }] });
    const second = { nodes: [node('Relu', ['x1'], 'y')] };
    differ({ ...inputs(['n'], ['n']) }, { ...inputs(['n'], ['n']), ...second });
  });

  it("the version of ONNX's operator set, under both of its names, and no other's", () => {
    differ({ opset: 17 }, { opset: 18 });
    same({ opsets: { 'com.microsoft': 1 } }, { opsets: { 'com.microsoft': 2 } });
    const renamed = readOnnx(buildOnnx(base));
    assert.equal(signatureOf({ ...renamed, opsets: new Map([['ai.onnx', 17]]) }), of({}));
    assert.notEqual(signatureOf({ ...renamed, opsets: new Map([['ai.onnx', 18]]) }), of({}));
  });

  it('the operator, its domain, how many outputs it has, and which of them is read', () => {
    differ({ nodes: [node('Gelu', ['x'], 'y')] }, { nodes: [node('Gelu', ['x'], 'y', { domain: 'com.microsoft' })] });
    differ({ nodes: [node('Dropout', ['x'], 'y')] }, { nodes: [node('Dropout', ['x'], ['y', 'mask'])] });
    const split = (read: string): Partial<ModelSpec> => ({
      nodes: [node('Split', ['x'], ['a', 'b'], { int: { axis: 1 } }), node('Relu', [read], 'y')],
    });
    differ(split('a'), split('b'));
    const weights: Partial<ModelSpec> = { initializers: [{ name: 'w', dims: [] }] };
    const clip = (...inputs: string[]) => ({ ...weights, nodes: [node('Clip', ['x', ...inputs], 'y')] });
    differ(clip('w', ''), clip('', 'w'));
    differ(clip('w'), clip('w', 'w'));
    differ(
      { ...weights, nodes: [node('Sub', ['x', 'w'], 'y')] },
      { ...weights, nodes: [node('Sub', ['w', 'x'], 'y')] },
    );
  });

  it('attributes by name, in any order, each kind of them', () => {
    const made = (rest: Partial<NodeSpec>): Partial<ModelSpec> => ({ nodes: [node('Softmax', ['x'], 'y', rest)] });
    same(made({ int: { a: 1, b: 2 } }), made({ int: { b: 2, a: 1 } }));
    same(made({ int: { a: 1, b: 2, c: 3 } }), made({ int: { c: 3, a: 1, b: 2 } }));
    const variants: Partial<NodeSpec>[] = [
      {},
      { int: { a: 1 } },
      { int: { b: 1 } },
      { int: { a: 2 } },
      { float: { a: 1 } },
      { float: { a: 2 } },
      { floats: { a: [1] } },
      { floats: { a: [1, 2] } },
      { ints: { a: [1] } },
      { ints: { a: [1, 2] } },
      { strings: { a: '1' } },
      { strings: { a: '2' } },
      { tensors: { a: { name: '', dims: [1] } } },
      { tensors: { a: { name: '', dims: [2] } } },
      { tensors: { a: int64Tensor('', [1]) } },
      { tensors: { a: int64Tensor('', [2]) } },
    ];
    assert.equal(new Set(variants.map((rest) => of(made(rest)))).size, variants.length);
    // Numbers with a point are weights, also as an attribute.
    const half = (value: number) => made({ tensors: { a: { name: '', dims: [1], raw: floats(value) } } });
    same(half(0.5), half(0.25));
  });

  it('of constants the type and sizes, and the values where they say where or how much', () => {
    const reading = (operator: NodeSpec, tensor: Partial<TensorSpec>): Partial<ModelSpec> => ({
      nodes: [operator],
      initializers: [
        { name: 'c', dims: [2], ...tensor },
        { name: 's', dims: [] },
      ],
    });
    const add = node('Add', ['x', 'c'], 'y');
    same(reading(add, { raw: floats(1, 2) }), reading(add, { raw: floats(3, 4) }));
    differ(reading(add, {}), reading(add, { dims: [1] }));
    differ(reading(add, {}), reading(add, { dataType: 10 }));
    // 8 and 16 bits are weights that are quantised; longer whole numbers are places, sizes, lengths.
    for (const dataType of [2, 3])
      same(reading(add, { dataType, raw: bytes(1, 2) }), reading(add, { dataType, raw: bytes(3, 4) }));
    for (const dataType of [4, 5])
      same(reading(add, { dataType, raw: bytes(1, 0, 2, 0) }), reading(add, { dataType, raw: bytes(3, 0, 4, 0) }));
    differ(reading(add, int64Tensor('c', [1, 2])), reading(add, int64Tensor('c', [3, 4])));
    differ(reading(add, { dataType: 6, raw: ints(1, 2) }), reading(add, { dataType: 6, raw: ints(3, 4) }));
    differ(reading(add, { dataType: 9, raw: bytes(0, 1) }), reading(add, { dataType: 9, raw: bytes(1, 1) }));
    // Scales, bounds of a range: these floats decide a shape.
    for (const operator of [
      node('Resize', ['x', 'c'], 'y'),
      node('Resize', ['x', '', 'c'], 'y'),
      node('Upsample', ['x', 'c'], 'y'),
      node('Range', ['c', 's', 's'], 'y'),
      node('Range', ['s', 'c', 's'], 'y'),
      node('Range', ['s', 's', 'c'], 'y'),
    ])
      differ(reading(operator, { raw: floats(1, 2) }), reading(operator, { raw: floats(3, 4) }));
    const scale = node('QuantizeLinear', ['x', 'c'], 'y');
    same(reading(scale, { raw: floats(1, 2) }), reading(scale, { raw: floats(3, 4) }));
  });

  it('biases of 32 bits are weights, unless somebody else reads them too', () => {
    const reading = (value: number, ...nodes: NodeSpec[]): Partial<ModelSpec> => ({
      nodes,
      initializers: [
        { name: 'c', dims: [1], dataType: 6, raw: ints(value) },
        { name: 's', dims: [] },
      ],
      outputs: nodes.map(({ outputs }) => outputs[0] as string),
    });
    const at = (place: number) => Array.from({ length: place + 1 }, (_, index) => (index === place ? 'c' : 's'));
    const biases = [
      node('QLinearConv', at(8), 'y'),
      node('QGemm', at(6), 'y', { domain: 'com.microsoft' }),
      node('DequantizeLinear', at(0), 'y'),
    ];
    for (const bias of biases) {
      same(reading(1, bias), reading(2, bias));
      differ(reading(1, bias, node('Gather', ['x', 'c'], 'z')), reading(2, bias, node('Gather', ['x', 'c'], 'z')));
    }
    const elsewhere = [
      node('QLinearConv', at(7), 'y'),
      node('QGemm', at(5), 'y'),
      node('DequantizeLinear', at(1), 'y'),
    ];
    for (const other of elsewhere) differ(reading(1, other), reading(2, other));
  });

  it('a constant is the same as a node and as an initializer', () => {
    const reads = node('Reshape', ['x', 'c'], 'y');
    const stored = (values: number[]): Partial<ModelSpec> => ({
      nodes: [reads],
      initializers: [int64Tensor('c', values)],
    });
    const made = (values: number[]): Partial<ModelSpec> => ({
      nodes: [node('Constant', [], 'c', { tensors: { value: int64Tensor('', values) } }), reads],
    });
    same(stored([2, -1]), made([2, -1]));
    differ(made([2, -1]), made([4, -1]));
    const weights = (value: number): Partial<ModelSpec> => ({
      nodes: [node('Constant', [], 'c', { float: { value_float: value } }), node('Add', ['x', 'c'], 'y')],
    });
    same(weights(1), weights(2));
  });

  it('bodies of control flow, with what they read from outside', () => {
    const branches = (inner: NodeSpec, names = ['then_branch', 'else_branch']): Partial<ModelSpec> => {
      const body = (operator: NodeSpec): GraphSpec => ({ inputs: [], nodes: [operator], outputs: operator.outputs });
      return {
        inputs: [
          { name: 'x', shape: [1], dataType: 9 },
          { name: 'z', shape: [4] },
          { name: 'u', shape: [4] },
        ],
        nodes: [
          node('Exp', ['z'], 'e'),
          node('If', ['x'], 'y', {
            graphs: { [names[0] as string]: body(inner), [names[1] as string]: body(node('Abs', ['z'], 'b')) },
          }),
        ],
      };
    };
    same(branches(node('Relu', ['z'], 'a')), branches(node('Relu', ['z'], 'other')));
    differ(branches(node('Relu', ['z'], 'a')), branches(node('Sin', ['z'], 'a')));
    differ(branches(node('Relu', ['z'], 'a')), branches(node('Relu', ['u'], 'a')));
    differ(branches(node('Relu', ['z'], 'a')), branches(node('Relu', ['e'], 'a')));
    differ(branches(node('Relu', ['z'], 'a')), branches(node('Relu', ['z'], 'a'), ['else_branch', 'then_branch']));
  });

  it('a graph of tens of thousands of nodes in a row', () => {
    const chain = (operator: string): Partial<ModelSpec> => ({
      nodes: Array.from({ length: 20_000 }, (_, index) =>
        node(index === 0 ? operator : 'Relu', [index === 0 ? 'x' : `n${index - 1}`], `n${index}`),
      ),
      outputs: ['n19999'],
    });
    differ(chain('Relu'), chain('Exp'));
  });
});
