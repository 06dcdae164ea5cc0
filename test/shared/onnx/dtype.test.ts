import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, DTYPE_NAMES, type Dtype, dtypeOfCode, isInteger, isQuantised } from '@edgetune/shared/onnx/dtype.ts';

/** A type's name says how many bits an element has; these do not. */
const BITS_WITHOUT_NUMBER: Partial<Record<Dtype, number>> = { undefined: 0, string: 0, bool: 8 };

test('an element has as many bytes as its type says bits', () => {
  for (const dtype of DTYPE_NAMES) {
    const bits = BITS_WITHOUT_NUMBER[dtype] ?? Number(/\d+/.exec(dtype)?.[0]);
    assert.equal(bytesOf(dtype), bits / 8, dtype);
  }
});

test('types by their number in onnx.proto3', () => {
  const known: [number, Dtype][] = [
    [1, 'float32'],
    [2, 'uint8'],
    [3, 'int8'],
    [6, 'int32'],
    [7, 'int64'],
    [8, 'string'],
    [9, 'bool'],
    [10, 'float16'],
    [11, 'float64'],
    [13, 'uint64'],
    [16, 'bfloat16'],
    [21, 'uint4'],
    [22, 'int4'],
    [23, 'float4e2m1'],
  ];
  for (const [code, dtype] of known) assert.equal(dtypeOfCode(code), dtype);
  assert.deepEqual([dtypeOfCode(24), dtypeOfCode(-1)], [null, null]);
});

test('whole numbers and quantised values', () => {
  assert.deepEqual(DTYPE_NAMES.filter(isInteger), [
    'uint8',
    'int8',
    'uint16',
    'int16',
    'int32',
    'int64',
    'bool',
    'uint32',
    'uint64',
    'uint4',
    'int4',
  ]);
  assert.deepEqual(DTYPE_NAMES.filter(isQuantised), ['uint8', 'int8', 'uint4', 'int4']);
});
