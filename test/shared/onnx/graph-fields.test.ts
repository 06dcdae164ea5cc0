/** What a graph in memory holds of the file, field by field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  intAttribute,
  intsAttribute,
  type OnnxAttribute,
  type OnnxNode,
  opsetOf,
  stringAttribute,
} from '@edgetune/shared/onnx/graph.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { type FieldValue, proto } from '../../support/protobuf.ts';
import { refused } from './support.ts';

type Fields = (readonly [number, FieldValue])[];

/** Field numbers of onnx.proto3. */
const MODEL = { irVersion: 1, graph: 7, opset: 8, metadata: 14 };
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 };
const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7 };

const value = (name: string, type?: Uint8Array): Uint8Array =>
  type === undefined ? proto([1, name]) : proto([1, name], [2, type]);
const tensorType = (elementType: number, ...dims: Uint8Array[]) =>
  proto([1, proto([1, elementType], [2, proto(...dims.map((dim) => [1, dim] as const))])]);

const relu = (...rest: Fields) => proto([NODE.input, 'x'], [NODE.output, 'y'], [NODE.opType, 'Relu'], ...rest);
const graph = (...rest: Fields): Fields => [
  [MODEL.irVersion, 8],
  [MODEL.graph, proto([GRAPH.input, value('x', tensorType(1))], [GRAPH.output, value('y')], ...rest)],
];
const attributes = (...fields: Uint8Array[]) =>
  (
    readOnnx(proto(...graph([GRAPH.node, relu(...fields.map((field) => [NODE.attribute, field] as const))])))
      .nodes[0] as OnnxNode
  ).attributes;

test('versions, metadata and names', () => {
  const read = readOnnx(
    proto(
      ...graph([GRAPH.node, relu()], [GRAPH.name, 'net']),
      [MODEL.opset, proto([1, ''], [2, 17])],
      [MODEL.opset, proto([1, 'com.microsoft'])],
      [MODEL.metadata, proto([1, 'labels'], [2, 'cat,dog'])],
    ),
  );
  assert.deepEqual([read.irVersion, read.name], [8, 'net']);
  assert.deepEqual(
    [...read.opsets],
    [
      ['', 17],
      ['com.microsoft', 1],
    ],
  );
  assert.deepEqual([...read.metadata], [['labels', 'cat,dog']]);
});

test("ONNX's operator set goes by two names, and is 1 where none is given", () => {
  const versionOf = (...opsets: Fields) => opsetOf(readOnnx(proto(...graph([GRAPH.node, relu()]), ...opsets)));
  assert.equal(versionOf([MODEL.opset, proto([2, 13])]), 13);
  assert.equal(versionOf([MODEL.opset, proto([1, 'ai.onnx'], [2, 12])]), 12);
  assert.equal(versionOf([MODEL.opset, proto([1, 'ai.onnx.ml'], [2, 3])]), 1);
});

test('a node without a name is named after its operator and its place; the domain ai.onnx is no name of its own', () => {
  const nodes = [
    relu([NODE.domain, 'ai.onnx']),
    proto(
      [NODE.input, 'y'],
      [NODE.output, 'z'],
      [NODE.opType, 'Gelu'],
      [NODE.domain, 'com.microsoft'],
      [NODE.name, 'g'],
    ),
    proto([NODE.input, 'z'], [NODE.output, 'u'], [NODE.opType, 'Abs']),
  ];
  const read = readOnnx(proto(...graph(...nodes.map((node) => [GRAPH.node, node] as const))));
  assert.deepEqual(
    read.nodes.map(({ name, domain, inputs, outputs }) => [name, domain, inputs, outputs]),
    [
      ['Relu#0', '', ['x'], ['y']],
      ['g', 'com.microsoft', ['y'], ['z']],
      ['Abs#2', '', ['z'], ['u']],
    ],
  );
  refused('invalid-graph', /node "#0": it has no operator/, () =>
    readOnnx(proto(...graph([GRAPH.node, proto([NODE.output, 'y'])]))),
  );
});

test('attributes of every type', () => {
  const tensor = proto([1, 2], [2, 7], [7, 5], [7, 6]);
  const body = proto([GRAPH.name, 'body'], [GRAPH.output, value('x')]);
  const read = attributes(
    proto([1, 'f'], [2, { float: 0.5 }]),
    proto([1, 'i'], [3, -3]),
    proto([1, 's'], [4, 'SAME']),
    proto([1, 't'], [5, tensor]),
    proto([1, 'g'], [6, body]),
    proto([1, 'floats'], [7, { float: 0.5 }], [7, { float: 2 }]),
    proto([1, 'ints'], [8, 1], [8, 2]),
    proto([1, 'strings'], [9, 'a'], [9, 'b']),
    proto([1, 'graphs'], [11, body], [11, body]),
  );
  const empty = { f: null, i: null, s: null, tensor: null, graph: null, floats: [], ints: [], strings: [], graphs: [] };
  const plain = (name: string) => {
    const { tensor, graph, graphs, ...rest } = read.get(name) as OnnxAttribute;
    return {
      ...rest,
      tensor: tensor?.read() ?? null,
      graph: graph?.name ?? null,
      graphs: graphs.map((each) => each.name),
    };
  };
  assert.deepEqual(plain('f'), { ...empty, name: 'f', f: 0.5 });
  assert.deepEqual(plain('i'), { ...empty, name: 'i', i: -3 });
  assert.deepEqual(plain('s'), { ...empty, name: 's', s: 'SAME' });
  assert.deepEqual(plain('t'), { ...empty, name: 't', tensor: [5, 6] });
  assert.deepEqual(plain('g'), { ...empty, name: 'g', graph: 'body' });
  assert.deepEqual(plain('floats'), { ...empty, name: 'floats', floats: [0.5, 2] });
  assert.deepEqual(plain('ints'), { ...empty, name: 'ints', ints: [1, 2] });
  assert.deepEqual(plain('strings'), { ...empty, name: 'strings', strings: ['a', 'b'] });
  assert.deepEqual(plain('graphs'), { ...empty, name: 'graphs', graphs: ['body', 'body'] });
});

test('attributes that are not there have the value that the operator gives them', () => {
  const [node] = readOnnx(
    proto(
      ...graph([
        GRAPH.node,
        relu(
          [NODE.attribute, proto([1, 'i'], [3, 0])],
          [NODE.attribute, proto([1, 'l'], [8, 4])],
          [NODE.attribute, proto([1, 's'], [4, 't'])],
        ),
      ]),
    ),
  ).nodes;
  assert.ok(node);
  assert.deepEqual([intAttribute(node, 'i', 5), intAttribute(node, 'none', 5)], [0, 5]);
  assert.deepEqual(
    [intsAttribute(node, 'l'), intsAttribute(node, 'none'), intsAttribute(node, 'i')],
    [[4], null, null],
  );
  assert.deepEqual([stringAttribute(node, 's', 'u'), stringAttribute(node, 'none', 'u')], ['t', 'u']);
});

test('what only model-local functions and sparse tensors have is refused by name', () => {
  refused('model-local-functions', /node "Relu#0", attribute "alpha": it refers to an attribute/, () =>
    attributes(proto([1, 'alpha'], [21, 'a'])),
  );
  refused('unsupported-type', /node "Relu#0", attribute "w": sparse tensors are not supported/, () =>
    attributes(proto([1, 'w'], [22, proto()])),
  );
  refused('unsupported-type', /graph: sparse initializers are not supported/, () =>
    readOnnx(proto(...graph([GRAPH.node, relu()], [GRAPH.sparseInitializer, proto()]))),
  );
});

test('kinds, types and sizes of inputs', () => {
  const [three, batch, both, zero, negative, unknown] = [
    proto([1, 3]),
    proto([2, 'batch']),
    proto([1, 0], [2, 'size']),
    proto([1, 0]),
    proto([1, -1]),
    proto(),
  ] as const;
  const inputs = [
    value('tensor', tensorType(10, three, batch, both, zero, negative, unknown)),
    value('scalar', tensorType(7)),
    value('open', proto([1, proto([1, 1])])),
    value('sequence', proto([4, proto()])),
    value('map', proto([5, proto()])),
    value('sparse', proto([8, proto()])),
    value('optional', proto([9, proto()])),
    value('nothing', proto()),
    value('untyped'),
  ];
  const read = readOnnx(proto(...graph([GRAPH.node, relu()], ...inputs.map((each) => [GRAPH.input, each] as const))));
  assert.deepEqual(
    read.inputs.slice(1).map(({ name, kind, dtype, shape }) => [name, kind, dtype, shape]),
    [
      ['tensor', 'tensor', 'float16', [3, 'batch', 'size', 0, null, null]],
      ['scalar', 'tensor', 'int64', []],
      ['open', 'tensor', 'float32', null],
      ['sequence', 'sequence', 'undefined', null],
      ['map', 'map', 'undefined', null],
      ['sparse', 'sparse', 'undefined', null],
      ['optional', 'optional', 'undefined', null],
      ['nothing', 'unknown', 'undefined', null],
      ['untyped', 'unknown', 'undefined', null],
    ],
  );
  refused('unsupported-type', /value "odd": element type 77 is not known/, () =>
    readOnnx(proto(...graph([GRAPH.node, relu()], [GRAPH.input, value('odd', tensorType(77))]))),
  );
});

test('initializers that old models list among the inputs are no inputs', () => {
  const weight = proto([1, 1], [2, 1], [8, 'w'], [9, new Uint8Array(4)]);
  const read = readOnnx(
    proto(...graph([GRAPH.node, relu()], [GRAPH.initializer, weight], [GRAPH.input, value('w', tensorType(1))])),
  );
  assert.deepEqual(
    read.inputs.map(({ name }) => name),
    ['x'],
  );
  assert.deepEqual(read.initializers.get('w')?.read(), [0]);
  refused('invalid-graph', /tensor "graph initializer": -2 is not a size/, () =>
    readOnnx(proto(...graph([GRAPH.initializer, proto([1, -2])]))),
  );
});

test('a subgraph may hand on what the graphs around it define, and nothing else', () => {
  const control = (output: string) =>
    proto(
      ...graph(
        [GRAPH.node, relu([NODE.attribute, proto([1, 'body'], [6, proto([GRAPH.output, value(output)])])])],
        [GRAPH.node, proto([NODE.input, 'x'], [NODE.output, 'sibling'], [NODE.opType, 'Abs'])],
        [GRAPH.initializer, proto([1, 1], [2, 1], [8, 'w'])],
      ),
    );
  for (const name of ['x', 'sibling', 'w'])
    assert.ok(
      readOnnx(control(name)).nodes.some((node) => node.attributes.get('body')?.graph?.outputs[0]?.name === name),
    );
  refused('invalid-graph', /node "Relu#0", attribute "body": its output "lost" is defined nowhere/, () =>
    readOnnx(control('lost')),
  );
});

test('what is no whole model says what it lacks', () => {
  refused('not-onnx', /file: it has no IR version/, () =>
    readOnnx(proto(graph([GRAPH.node, relu()])[1] as [number, Uint8Array])),
  );
  refused('not-onnx', /graph: it has no output/, () =>
    readOnnx(proto([MODEL.irVersion, 8], [MODEL.graph, proto([GRAPH.name, 'g'])])),
  );
});
