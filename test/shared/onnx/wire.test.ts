/** Protobuf as the reader decodes it (https://protobuf.dev/programming-guides/encoding). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ONNX_SCHEMA } from '@edgetune/shared/onnx/schema.ts';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { packed, proto } from '../../support/protobuf.ts';
import { refused } from './support.ts';

const IR_VERSION = [1, 8] as const;

test('the field numbers are those of onnx.proto3', () => {
  const numbers = Object.fromEntries(
    Object.entries(ONNX_SCHEMA).map(([message, fields]) => [
      message,
      Object.fromEntries(Object.entries(fields).map(([number, { name }]) => [name, Number(number)])),
    ]),
  );
  // https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3; the names are the reader's.
  assert.deepEqual(numbers, {
    ModelProto: { irVersion: 1, producerName: 2, graph: 7, opsetImports: 8, metadata: 14, functions: 25 },
    OperatorSetIdProto: { domain: 1, version: 2 },
    StringStringEntryProto: { key: 1, value: 2 },
    GraphProto: { nodes: 1, name: 2, initializers: 5, inputs: 11, outputs: 12, sparseInitializers: 15 },
    NodeProto: { inputs: 1, outputs: 2, name: 3, opType: 4, attributes: 5, domain: 7 },
    AttributeProto: {
      name: 1,
      f: 2,
      i: 3,
      s: 4,
      t: 5,
      g: 6,
      floats: 7,
      ints: 8,
      strings: 9,
      tensors: 10,
      graphs: 11,
      type: 20,
      refAttrName: 21,
      sparseTensor: 22,
    },
    TensorProto: {
      dims: 1,
      dataType: 2,
      floatData: 4,
      int32Data: 5,
      stringData: 6,
      int64Data: 7,
      name: 8,
      rawData: 9,
      doubleData: 10,
      uint64Data: 11,
      externalData: 13,
      dataLocation: 14,
    },
    SparseTensorProto: { values: 1 },
    ValueInfoProto: { name: 1, type: 2 },
    TypeProto: { tensor: 1, sequence: 4, map: 5, sparse: 8, optional: 9 },
    TensorTypeProto: { elementType: 1, shape: 2 },
    ShapeProto: { dims: 1 },
    DimensionProto: { value: 1, parameter: 2 },
    FunctionProto: { name: 1 },
    OpaqueTypeProto: {},
  });
});

test('repeated fields add up, packed or not; of a single one the last counts', () => {
  const attribute = proto(
    [1, 'first'],
    [8, 300],
    [8, packed('varint', [-2, 2 ** 40])],
    [7, { float: 0.5 }],
    [7, packed('float', [0.25, -1])],
    [3, 5],
    [1, 'last'],
    [3, 6],
    [2, { float: 1.5 }],
    [9, 'one'],
    [9, 'two'],
  );
  const { name, ints, floats, i, f, strings } = decodeMessage(attribute, 'AttributeProto');
  assert.deepEqual([name, ints, floats, i, f], ['last', [300, -2, 2 ** 40], [0.5, 0.25, -1], 6, 1.5]);
  assert.deepEqual(
    (strings as Uint8Array[]).map((bytes) => new TextDecoder().decode(bytes)),
    ['one', 'two'],
  );
});

test('fields that are not in the table are skipped, of every wire type', () => {
  const message = proto(
    IR_VERSION,
    [100, 5],
    [101, { float: 1 }],
    [102, { double: 1 }],
    [103, 'text'],
    [2, 'producer'],
  );
  assert.deepEqual(decodeMessage(message, 'ModelProto'), { irVersion: 8, producerName: 'producer' });
});

test('bytes are views on the file, not copies', () => {
  const bytes = proto([9, Uint8Array.of(1, 2, 3)]);
  const { rawData } = decodeMessage(bytes, 'TensorProto');
  assert.equal((rawData as Uint8Array).buffer, bytes.buffer);
});

test('a field of another wire type says which field it is', () => {
  const isWrong = (field: string, wire: number, expected: number) =>
    new RegExp(`${field}: this is no ONNX model \\(wire type ${wire} where ${expected} belongs\\)`);
  refused('not-onnx', isWrong('ModelProto.irVersion', 2, 0), () => decodeMessage(proto([1, 'x']), 'ModelProto'));
  refused('not-onnx', isWrong('ModelProto.producerName', 0, 2), () => decodeMessage(proto([2, 1]), 'ModelProto'));
  refused('not-onnx', isWrong('ModelProto.graph', 5, 2), () => decodeMessage(proto([7, { float: 1 }]), 'ModelProto'));
  refused('not-onnx', isWrong('AttributeProto.f', 0, 5), () => decodeMessage(proto([2, 1]), 'AttributeProto'));
  refused('not-onnx', isWrong('AttributeProto.s', 0, 2), () => decodeMessage(proto([4, 1]), 'AttributeProto'));
  refused('not-onnx', isWrong('AttributeProto.ints', 5, 0), () =>
    decodeMessage(proto([8, { float: 1 }]), 'AttributeProto'),
  );
  refused('not-onnx', isWrong('ModelProto.graph.name', 0, 2), () =>
    decodeMessage(proto([7, proto([2, 1])]), 'ModelProto'),
  );
});

test('what ends too early is truncated, where it began as a model; else it is none', () => {
  const whole = proto(IR_VERSION, [7, proto([2, 'a graph with a name'])]);
  refused('truncated', /byte \d+ of 12: the file ends within a field/, () =>
    decodeMessage(whole.subarray(0, 12), 'ModelProto'),
  );
  const other = proto([2, 'producer']);
  refused('not-onnx', /byte \d+ of 5: this is no ONNX model \(.*out of range/, () =>
    decodeMessage(other.subarray(0, 5), 'ModelProto'),
  );
  // A message that says to be longer than the one around it.
  refused('truncated', /ends within a field/, () =>
    decodeMessage(proto(IR_VERSION, [7, Uint8Array.of(0x0a, 100, 0)]), 'ModelProto'),
  );
  // A packed field that says to be longer than the file.
  refused('not-onnx', /out of range/, () => decodeMessage(Uint8Array.of(0x42, 100, 1), 'AttributeProto'));
  // A text that ends behind the message that it is in, within the file.
  refused('truncated', /ends within a field/, () =>
    decodeMessage(proto(IR_VERSION, [7, Uint8Array.of(0x12, 3, 65)], [2, 'producer']), 'ModelProto'),
  );
  // Wire types that protobuf does not have.
  refused('not-onnx', /byte \d+ of 4: .*wire type 7/, () =>
    decodeMessage(Uint8Array.of(0x08, 0x08, 0xa7, 0x06), 'ModelProto'),
  );
});

test('graphs nest as deep as anyone writes them, not deep enough to exhaust the stack', () => {
  /** A graph in an attribute of a node of a graph …: three messages a level. */
  const nested = (levels: number) => {
    let graph = proto([2, 'innermost']);
    for (let level = 0; level < levels; level += 1) graph = proto([1, proto([5, proto([6, graph])])]);
    return proto(IR_VERSION, [7, graph]);
  };
  assert.equal(decodeMessage(nested(21), 'ModelProto').irVersion, 8);
  refused('invalid-graph', /messages nest deeper than 64/, () => decodeMessage(nested(22), 'ModelProto'));
});
