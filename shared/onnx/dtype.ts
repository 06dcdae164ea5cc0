/** ONNX element types: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, TensorProto.DataType. */
export const DTYPE_NAMES = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
] as const;
export type Dtype = (typeof DTYPE_NAMES)[number];

const ELEMENT_BYTES: Readonly<Record<Dtype, number>> = {
  undefined: 0,
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  int32: 4,
  int64: 8,
  string: 0,
  bool: 1,
  float16: 2,
  float64: 8,
  uint32: 4,
  uint64: 8,
  complex64: 8,
  complex128: 16,
  bfloat16: 2,
  float8e4m3fn: 1,
  float8e4m3fnuz: 1,
  float8e5m2: 1,
  float8e5m2fnuz: 1,
  uint4: 0.5,
  int4: 0.5,
  float4e2m1: 0.5,
};

/** Bytes of one element; strings have no fixed size and count as 0. */
export function bytesOf(dtype: Dtype): number {
  return ELEMENT_BYTES[dtype];
}

export function isInteger(dtype: Dtype): boolean {
  return /^(u?int|bool)/.test(dtype);
}

/** 8-bit and narrower integers: quantised values. */
export function isQuantised(dtype: Dtype): boolean {
  return dtype === 'int8' || dtype === 'uint8' || dtype === 'int4' || dtype === 'uint4';
}

/** The type that a TensorProto or a `to` attribute means by its number; null for numbers that ONNX does not define. */
export function dtypeOfCode(code: number): Dtype | null {
  return DTYPE_NAMES[code] ?? null;
}
