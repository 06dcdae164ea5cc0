/** A tensor's description and, only on demand, its elements. */
import { bytesOf, DTYPE_NAMES, type Dtype, isInteger } from './dtype.ts';
import type { OnnxTensor } from './graph.ts';
import { OnnxError } from './onnx-error.ts';
import { decodePayload, type Message, type Payload } from './wire.ts';

export function dtypeOf(code: unknown, where: string): Dtype {
  const dtype = DTYPE_NAMES[(code as number | undefined) ?? 0];
  if (dtype === undefined) throw new OnnxError('unsupported-type', where, `element type ${code} is not known`);
  return dtype;
}

/** @throws {OnnxError} `invalid-graph` where a size is negative or the product is beyond what a number holds exactly */
export function countElements(dims: readonly number[], where: string): number {
  let count = 1;
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw new OnnxError('invalid-graph', where, `${dim} is not a size`);
    count *= dim;
  }
  if (!Number.isSafeInteger(count)) throw new OnnxError('invalid-graph', where, `[${dims}] has too many elements`);
  return count;
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type ElementReader = (view: DataView, offset: number) => number;
const RAW_READERS: Partial<Record<Dtype, ElementReader>> = {
  float32: (view, offset) => view.getFloat32(offset, true),
  float64: (view, offset) => view.getFloat64(offset, true),
  float16: (view, offset) => halfToNumber(view.getUint16(offset, true)),
  uint8: (view, offset) => view.getUint8(offset),
  int8: (view, offset) => view.getInt8(offset),
  bool: (view, offset) => view.getUint8(offset),
  uint16: (view, offset) => view.getUint16(offset, true),
  int16: (view, offset) => view.getInt16(offset, true),
  uint32: (view, offset) => view.getUint32(offset, true),
  int32: (view, offset) => view.getInt32(offset, true),
  int64: (view, offset) => Number(view.getBigInt64(offset, true)),
  uint64: (view, offset) => Number(view.getBigUint64(offset, true)),
};

/** Little-endian elements as numbers; null where the type has no plain numbers. @throws {OnnxError} for another number of bytes */
export function readElements(raw: Uint8Array, dtype: Dtype, count: number, where: string): number[] | null {
  const read = RAW_READERS[dtype];
  if (!read) return null;
  const size = bytesOf(dtype);
  if (raw.length !== count * size)
    throw new OnnxError('invalid-graph', where, `${raw.length} bytes of data where ${count * size} belong`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: count }, (_, index) => read(view, index * size));
}

function readTyped(message: Message, dtype: Dtype): number[] | null {
  const payloads = (field: string) => (message[field] as Payload[] | undefined) ?? [];
  if (dtype === 'float32') return decodePayload(payloads('floatData'), 'float');
  if (dtype === 'float64') return decodePayload(payloads('doubleData'), 'double');
  if (dtype === 'int64') return decodePayload(payloads('int64Data'), 'varint');
  if (dtype === 'uint32' || dtype === 'uint64') return decodePayload(payloads('uint64Data'), 'varint');
  if (dtype === 'float16') return decodePayload(payloads('int32Data'), 'varint').map(halfToNumber);
  return isInteger(dtype) ? decodePayload(payloads('int32Data'), 'varint') : null;
}

/** Numbers are decoded when they are asked for: then only it shows that they end in the middle of one. */
function orCut<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OnnxError(
      'invalid-graph',
      where,
      'its data end in the middle of a number; copy or export the model again',
    );
  }
}

/** @throws {OnnxError} `external-data` where the elements lie outside the model file: they are never read. */
export function tensorOf(message: Message, owner: string): OnnxTensor {
  const name = (message.name as string | undefined) ?? '';
  const where = `tensor "${name || owner}"`;
  if (message.dataLocation === 1 || ((message.externalData as unknown[] | undefined)?.length ?? 0) > 0)
    throw new OnnxError(
      'external-data',
      where,
      'its data lies outside the model file: give both files together, or export the model as one file (external_data=False)',
    );
  const dtype = dtypeOf(message.dataType, where);
  const dims = (message.dims as number[] | undefined) ?? [];
  const elementCount = countElements(dims, where);
  return {
    name,
    dtype,
    dims,
    elementCount,
    read: () => {
      const raw = message.rawData as Uint8Array | undefined;
      const values = raw
        ? readElements(raw, dtype, elementCount, where)
        : orCut(where, () => readTyped(message, dtype));
      if (values && values.length !== elementCount)
        throw new OnnxError('invalid-graph', where, `${values.length} elements where ${elementCount} belong`);
      return values;
    },
  };
}

/** A tensor made of values that are known already (a `value_ints` constant and the like). */
export function tensorFromValues(name: string, dtype: Dtype, dims: number[], values: number[]): OnnxTensor {
  return { name, dtype, dims, elementCount: values.length, read: () => [...values] };
}
