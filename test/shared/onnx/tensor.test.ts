/** Elements of tensors, as files hold them: raw bytes, or fields of their own by type. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tensorFromValues, tensorOf } from '@edgetune/shared/onnx/tensor.ts';
import { decodeMessage } from '@edgetune/shared/onnx/wire.ts';
import { type FieldValue, packed, proto } from '../../support/protobuf.ts';
import { refused } from './support.ts';

/** Field numbers of TensorProto (onnx.proto3). */
const [DIMS, DATA_TYPE, FLOAT, INT32, INT64, NAME, RAW, DOUBLE, UINT64, EXTERNAL, LOCATION] = [
  1, 2, 4, 5, 7, 8, 9, 10, 11, 13, 14,
];

const tensor = (...fields: (readonly [number, FieldValue])[]) =>
  tensorOf(decodeMessage(proto(...fields), 'TensorProto'), 'owner');
const elements = (type: number, count: number, ...fields: (readonly [number, FieldValue])[]) =>
  tensor([DIMS, count], [DATA_TYPE, type], ...fields).read();
const raw = (array: { buffer: ArrayBufferLike }): readonly [number, FieldValue] => [RAW, new Uint8Array(array.buffer)];

test('raw bytes of every type', () => {
  assert.deepEqual(elements(1, 2, raw(Float32Array.of(0.5, -2))), [0.5, -2]);
  assert.deepEqual(elements(11, 2, raw(Float64Array.of(0.1, -2))), [0.1, -2]);
  assert.deepEqual(elements(2, 2, raw(Uint8Array.of(1, 255))), [1, 255]);
  assert.deepEqual(elements(3, 2, raw(Int8Array.of(1, -128))), [1, -128]);
  assert.deepEqual(elements(9, 2, raw(Uint8Array.of(1, 0))), [1, 0]);
  assert.deepEqual(elements(4, 2, raw(Uint16Array.of(1, 65_535))), [1, 65_535]);
  assert.deepEqual(elements(5, 2, raw(Int16Array.of(258, -2))), [258, -2]);
  assert.deepEqual(elements(12, 2, raw(Uint32Array.of(16_909_060, 2 ** 32 - 1))), [16_909_060, 2 ** 32 - 1]);
  assert.deepEqual(elements(6, 2, raw(Int32Array.of(16_909_060, -2))), [16_909_060, -2]);
  assert.deepEqual(elements(7, 2, raw(BigInt64Array.of(2n ** 40n, -2n))), [2 ** 40, -2]);
  assert.deepEqual(elements(13, 2, raw(BigUint64Array.of(2n ** 40n, 2n ** 63n))), [2 ** 40, 2 ** 63]);
});

test('halves (IEEE 754 binary16): normal, subnormal, infinite, and what is no number', () => {
  const bits = [0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x03ff, 0x0001, 0x8001, 0x0000, 0x7c00, 0xfc00, 0x7e00];
  const values = [
    1,
    -2,
    0.333251953125,
    65_504,
    2 ** -14,
    (1023 / 1024) * 2 ** -14,
    2 ** -24,
    -(2 ** -24),
    0,
    Infinity,
    -Infinity,
    Number.NaN,
  ];
  assert.deepEqual(elements(10, bits.length, raw(Uint16Array.from(bits))), values);
  assert.deepEqual(elements(10, bits.length, [INT32, packed('varint', bits)]), values);
});

test('fields by type, packed and one by one', () => {
  assert.deepEqual(elements(1, 2, [FLOAT, packed('float', [0.5, -2])]), [0.5, -2]);
  assert.deepEqual(elements(1, 2, [FLOAT, { float: 0.5 }], [FLOAT, { float: -2 }]), [0.5, -2]);
  assert.deepEqual(elements(11, 2, [DOUBLE, packed('double', [0.1, -2])]), [0.1, -2]);
  assert.deepEqual(elements(11, 1, [DOUBLE, { double: 0.1 }]), [0.1]);
  assert.deepEqual(elements(7, 3, [INT64, packed('varint', [300, -2])], [INT64, 7]), [300, -2, 7]);
  for (const type of [2, 3, 4, 5, 6, 9]) assert.deepEqual(elements(type, 2, [INT32, packed('varint', [1, 0])]), [1, 0]);
  for (const type of [12, 13]) assert.deepEqual(elements(type, 2, [UINT64, packed('varint', [1, 300])]), [1, 300]);
  assert.deepEqual(elements(6, 1, [INT32, -5]), [-5]);
  assert.deepEqual(elements(7, 0), []);
});

test('elements without plain numbers are not read', () => {
  assert.equal(elements(16, 1, [RAW, Uint8Array.of(1, 2)]), null);
  assert.equal(elements(8, 1), null);
  assert.equal(elements(16, 1, [INT32, 5]), null);
});

test('a wrong number of elements is refused when they are asked for, not before', () => {
  const short = tensor([DIMS, 3], [DATA_TYPE, 1], [NAME, 'w'], [RAW, new Uint8Array(8)]);
  refused('invalid-graph', /tensor "w": 8 bytes of data where 12 belong/, () => short.read());
  const fewer = tensor([DIMS, 3], [DATA_TYPE, 7], [INT64, 1]);
  refused('invalid-graph', /tensor "owner": 1 elements where 3 belong/, () => fewer.read());
  // An element as another wire type than its own is none.
  refused('invalid-graph', /0 elements where 1 belong/, () => elements(7, 1, [INT64, { float: 1 }]));
});

test('sizes are whole numbers that a number can count', () => {
  const shaped = (...dims: number[]) => tensor(...dims.map((dim) => [DIMS, dim] as const), [DATA_TYPE, 1]);
  assert.deepEqual([shaped().elementCount, shaped(2, 3).elementCount, shaped(2, 0).elementCount], [1, 6, 0]);
  assert.deepEqual(shaped(2, 3).dims, [2, 3]);
  refused('invalid-graph', /-1 is not a size/, () => shaped(2, -1));
  refused('invalid-graph', /\[134217728,134217728\] has too many elements/, () => shaped(2 ** 27, 2 ** 27));
});

test('a type that ONNX does not have is refused; one that is not said is undefined', () => {
  refused('unsupported-type', /element type 77 is not known/, () => tensor([DATA_TYPE, 77]));
  assert.equal(tensor([NAME, 'w']).dtype, 'undefined');
});

test('data outside the file is refused, however it is said', () => {
  const outside = /tensor "w": its data lies outside the model file/;
  refused('external-data', outside, () => tensor([NAME, 'w'], [LOCATION, 1]));
  refused('external-data', outside, () => tensor([NAME, 'w'], [EXTERNAL, proto([1, 'location'], [2, 'w.bin'])]));
  assert.equal(tensor([NAME, 'w'], [LOCATION, 0]).name, 'w');
});

test('values that are known already are a tensor too, which nobody can change', () => {
  const made = tensorFromValues('axes', 'int64', [2], [3, 4]);
  assert.deepEqual([made.name, made.dtype, made.dims, made.elementCount], ['axes', 'int64', [2], 2]);
  made.read()?.fill(0);
  assert.deepEqual(made.read(), [3, 4]);
});
