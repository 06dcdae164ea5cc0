/** What is written is what was meant, as the reader reads it and as protobuf lays it out. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { encodeOnnx } from '../../../coordinator/export/encode-onnx.ts';
import { OnnxGraphBuilder } from '../../../coordinator/export/onnx-graph-builder.ts';
import { packed, proto } from '../../support/protobuf.ts';

it('every kind of field, one and many', () => {
  const attribute = { name: 'a', f: 0.5, i: -3, floats: [1, 2], ints: [4, 5] };
  const tensor = { name: 'w', dims: [2], dataType: 1, rawData: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64) };
  const node = { opType: 'Sum', name: 'n', inputs: ['x', 'w'], outputs: ['y'], attributes: [attribute] };
  const bytes = encodeOnnx({ irVersion: 8, producerName: 'me', graph: { nodes: [node], initializers: [tensor] } });
  const { irVersion, producerName, graph } = decodeMessage(bytes, 'ModelProto') as Record<string, unknown>;
  assert.deepEqual([irVersion, producerName], [8, 'me']);
  const { nodes, initializers } = graph as Record<string, Record<string, unknown>[]>;
  assert.deepEqual(nodes, [node]);
  const [{ rawData, ...rest } = {}] = initializers as Record<string, unknown>[];
  assert.deepEqual([rest, [...(rawData as Uint8Array)]], [{ name: 'w', dims: [2], dataType: 1 }, [...tensor.rawData]]);
});

it('what was read is written again, with elements in fields of their own', () => {
  const tensor = proto([1, 3], [2, 7], [7, packed('varint', [1, -2])], [7, 9], [8, 'w']);
  const original = proto([1, 8], [7, proto([5, tensor], [12, proto([1, 'w'])])]);
  const again = readOnnx(encodeOnnx(decodeMessage(original, 'ModelProto') as never));
  assert.deepEqual(again.initializers.get('w')?.dims, [3]);
});

it('"to the end", which no number holds, stays as far as a number goes', () => {
  const bytes = encodeOnnx({ irVersion: 2 ** 63 });
  assert.equal(decodeMessage(bytes, 'ModelProto').irVersion, 2 ** 63 - 1024);
});

it('a field that is not in the table is refused by name', () => {
  assert.throws(() => encodeOnnx({ irVersion: 8, docString: 'text' }), /ModelProto has no field "docString"/);
  assert.throws(() => encodeOnnx({ graph: { nodes: [{ colour: 'red' }] } }), /NodeProto has no field "colour"/);
});

it('a graph that is built has names of its own, a dynamic batch and its metadata', () => {
  const builder = new OnnxGraphBuilder();
  const [weights, axes] = [builder.weights([2], Float32Array.of(1.5, -2)), builder.integers([0, -1])];
  const sum = builder.node('Add', ['x', weights]);
  const square = builder.node('Mul', [sum, sum]);
  const output = builder.node(
    'Softmax',
    [square],
    { axis: { int: 1 }, perm: { ints: [1, 0] }, alpha: { float: 0.5 } },
    'y',
  );
  const graph = readOnnx(
    builder.finish({
      input: { name: 'x', dims: ['batch', 2] },
      output: { name: output, dims: ['batch', 2] },
      metadata: { labels: 'a,b' },
    }),
  );
  assert.deepEqual([weights, axes, sum, square, output], ['w_0', 'w_1', 'add_0', 'mul_1', 'y']);
  assert.deepEqual(
    graph.nodes.map(({ name, outputs }) => [name, outputs]),
    [
      ['add_0', ['add_0']],
      ['mul_1', ['mul_1']],
      ['y', ['y']],
    ],
  );
  assert.deepEqual(
    [...graph.initializers.values()].map((tensor) => [tensor.dtype, tensor.dims, tensor.read()]),
    [
      ['float32', [2], [1.5, -2]],
      ['int64', [2], [0, -1]],
    ],
  );
  const attributes = graph.nodes[2]?.attributes;
  assert.deepEqual(
    [attributes?.get('axis')?.i, attributes?.get('perm')?.ints, attributes?.get('alpha')?.f],
    [1, [1, 0], 0.5],
  );
  assert.deepEqual([graph.irVersion, graph.opsets.get(''), [...graph.metadata]], [8, 17, [['labels', 'a,b']]]);
  assert.deepEqual(
    [graph.inputs[0]?.shape, graph.outputs[0]?.shape],
    [
      ['batch', 2],
      ['batch', 2],
    ],
  );
});
