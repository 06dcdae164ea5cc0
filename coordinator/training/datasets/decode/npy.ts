/** Arrays that NumPy has saved: NPY versions 1 to 3 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
import { DatasetError } from '../../training-service.ts';

export interface NumpyArray {
  shape: number[];
  /** In C order: the last axis varies fastest. Texts where it holds texts. */
  values: Float64Array | Float32Array | Uint8Array | Int32Array | string[];
}

const MAGIC = '\x93NUMPY';
const HEADER = /'descr':\s*'([^']*)'.*?'fortran_order':\s*(True|False).*?'shape':\s*\(([^)]*)\)/s;

/** @param path for people @throws {DatasetError} */
export function readNpy(path: string, bytes: Uint8Array): NumpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== MAGIC)
    throw new DatasetError(`${path} is no NPY file: it does not start with \\x93NUMPY`);
  const version = bytes[6] as number;
  if (version < 1 || version > 3) throw new DatasetError(`${path} is NPY version ${version}: expected 1, 2 or 3`);
  const [lengthBytes, headerBytes] = version === 1 ? [2, view.getUint16(8, true)] : [4, view.getUint32(8, true)];
  const start = 8 + lengthBytes + headerBytes;
  if (start > bytes.length) throw new DatasetError(`${path} is truncated: its header is not whole`);
  const header = Buffer.from(bytes.subarray(8 + lengthBytes, start)).toString(version === 3 ? 'utf8' : 'latin1');
  const [, type = '', fortran, dims = ''] = orderedHeader(header).match(HEADER) ?? [];
  if (/'descr':\s*\[/.test(header))
    throw new DatasetError(
      `${path} holds records of several fields: save one array for the samples and one for the labels`,
    );
  if (!fortran) throw new DatasetError(`${path} is damaged: its header is ${header.trim().slice(0, 120)}`);
  const shape = dims
    .split(',')
    .map((dim) => dim.trim())
    .filter(Boolean)
    .map(Number);
  if (shape.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw new DatasetError(`${path} is damaged: its shape is (${dims})`);
  const count = shape.reduce((product, dim) => product * dim, 1);
  const values = valuesOf(path, type, bytes.subarray(start), count);
  return { shape, values: fortran === 'True' && shape.length > 1 ? inCOrder(values, shape) : values };
}

/** NumPy writes the keys in alphabetical order; others need not. */
function orderedHeader(header: string): string {
  const part = (pattern: RegExp) => header.match(pattern)?.[0] ?? '';
  return [part(/'descr':\s*'[^']*'/), part(/'fortran_order':\s*(True|False)/), part(/'shape':\s*\([^)]*\)/)].join(', ');
}

/** By NumPy's type code: bytes each, and how one is read. */
const TYPES: Readonly<Record<string, [bytes: number, read: (view: DataView, at: number, little: boolean) => number]>> =
  {
    b1: [1, (view, at) => view.getUint8(at)],
    u1: [1, (view, at) => view.getUint8(at)],
    i1: [1, (view, at) => view.getInt8(at)],
    u2: [2, (view, at, little) => view.getUint16(at, little)],
    i2: [2, (view, at, little) => view.getInt16(at, little)],
    u4: [4, (view, at, little) => view.getUint32(at, little)],
    i4: [4, (view, at, little) => view.getInt32(at, little)],
    u8: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
    i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
    f2: [2, (view, at, little) => halfOf(view.getUint16(at, little))],
    f4: [4, (view, at, little) => view.getFloat32(at, little)],
    f8: [8, (view, at, little) => view.getFloat64(at, little)],
  };

function valuesOf(path: string, type: string, data: Uint8Array, count: number): NumpyArray['values'] {
  const [, order = '|', kind = '', size = ''] = type.match(/^([<>|=]?)([a-zA-Z])(\d*)$/) ?? [];
  if (kind === 'O')
    throw new DatasetError(
      `${path} holds Python objects (pickled), which only a Python program can read: save arrays of numbers, with one shape for all samples`,
    );
  const isLittle = order !== '>';
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (kind === 'U' || kind === 'S') {
    const width = Number(size) * (kind === 'U' ? 4 : 1);
    needBytes(path, data, count * width, count);
    return Array.from({ length: count }, (_, i) => textAt(view, i * width, width, kind, isLittle));
  }
  const known = TYPES[`${kind}${size}`];
  if (!known) throw new DatasetError(`${path} holds values of NumPy's type "${type}": expected numbers or texts`);
  const [bytes, read] = known;
  needBytes(path, data, count * bytes, count);
  if (bytes === 1 && kind !== 'i') return data.slice(0, count);
  const values = kind === 'f' && bytes <= 4 ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read(view, i * bytes, isLittle);
  return values;
}

function needBytes(path: string, data: Uint8Array, needed: number, count: number): void {
  if (data.length < needed)
    throw new DatasetError(`${path} is truncated: ${count} values need ${needed} bytes, ${data.length} are there`);
}

function textAt(view: DataView, start: number, width: number, kind: string, isLittle: boolean): string {
  let text = '';
  for (let at = start; at < start + width; at += kind === 'U' ? 4 : 1) {
    const code = kind === 'U' ? view.getUint32(at, isLittle) : view.getUint8(at);
    if (code === 0) break;
    text += String.fromCodePoint(code);
  }
  return text;
}

/** IEEE 754 binary16. */
function halfOf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** From an order in which the first axis varies fastest. */
function inCOrder<T extends NumpyArray['values']>(values: T, shape: readonly number[]): T {
  const made = values.slice() as unknown as unknown[];
  const from = values as unknown as unknown[];
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, dim) => product * dim, 1));
  for (let at = 0; at < values.length; at++) {
    const place = index.reduce((sum, at, axis) => sum + at * (strides[axis] as number), 0);
    made[at] = from[place];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return made as unknown as T;
}
