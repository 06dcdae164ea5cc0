/** Values of inputs as users give them: NumPy's .npy files, and numbers on a command line. */
import { bytesOf, type Dtype, isInteger } from './dtype.ts';
import type { InputValue } from './fix-inputs.ts';
import { OnnxError } from './onnx-error.ts';
import { readElements } from './tensor.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy's kinds of numbers with their bytes, in the machine's order or as one byte. */
const NPY_TYPES: Readonly<Record<string, Dtype>> = {
  b1: 'bool',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};

const refuse = (where: string, message: string): never => {
  throw new OnnxError('input-data', where, message);
};

/** Elements that are stored column by column, row by row. */
function rowByRow(values: readonly number[], shape: readonly number[]): number[] {
  const ordered = new Array<number>(values.length);
  const place = shape.map(() => 0);
  for (let from = 0; from < values.length; from++) {
    let to = 0;
    for (let axis = 0; axis < shape.length; axis++) to = to * (shape[axis] as number) + (place[axis] as number);
    ordered[to] = values[from] as number;
    for (let axis = 0; axis < shape.length; axis++) {
      place[axis] = (place[axis] as number) + 1;
      if ((place[axis] as number) < (shape[axis] as number)) break;
      place[axis] = 0;
    }
  }
  return ordered;
}

/**
 * The array of an .npy file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3.
 * @param where the file's name, for what is said of it
 * @throws {OnnxError} `input-data` where it is none, is cut short, or holds no plain numbers
 */
export function readNpy(bytes: Uint8Array, where: string): InputValue {
  if (MAGIC.some((byte, index) => bytes[index] !== byte))
    refuse(where, 'this is no .npy file (numpy.save writes them)');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLong = (bytes[6] ?? 0) > 1;
  const begin = isLong ? 12 : 10;
  if (bytes.length < begin) refuse(where, 'it is cut short');
  const end = begin + (isLong ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder('latin1').decode(bytes.subarray(begin, end));
  const type = /'descr':\s*'([<>|=])([a-z]\d+)'/.exec(header);
  const dtype = type?.[2] ? NPY_TYPES[type[2]] : undefined;
  const shape = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (!dtype || shape === undefined || (type?.[1] === '>' && bytesOf(dtype) > 1))
    return refuse(
      where,
      `it holds ${/'descr':\s*('[^']*'|\[)/.exec(header)?.[1] ?? 'something'}: only plain numbers in little-endian order can be read`,
    );
  const sizes = shape.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  const count = sizes.reduce((product, size) => product * size, 1);
  const data = bytes.subarray(end);
  if (data.length !== count * bytesOf(dtype))
    refuse(
      where,
      `${data.length} bytes of data where ${count * bytesOf(dtype)} belong: it is cut short, or longer than it says`,
    );
  const values = readElements(data, dtype, count, where) as number[];
  return { shape: sizes, values: /'fortran_order':\s*True/.test(header) ? rowByRow(values, sizes) : values };
}

type Write = (view: DataView, at: number, value: number) => void;
const WRITERS: Partial<Record<Dtype, Write>> = {
  float32: (view, at, value) => view.setFloat32(at, value, true),
  float64: (view, at, value) => view.setFloat64(at, value, true),
  float16: (view, at, value) => view.setUint16(at, halfOf(value), true),
  uint8: (view, at, value) => view.setUint8(at, value),
  bool: (view, at, value) => view.setUint8(at, value === 0 ? 0 : 1),
  int8: (view, at, value) => view.setInt8(at, value),
  uint16: (view, at, value) => view.setUint16(at, value, true),
  int16: (view, at, value) => view.setInt16(at, value, true),
  uint32: (view, at, value) => view.setUint32(at, value, true),
  int32: (view, at, value) => view.setInt32(at, value, true),
  uint64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  int64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
};

/** The nearest half (IEEE 754 binary16), ties away from zero; beyond its range infinite. */
function halfOf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | Math.round(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  const fraction = Math.round((size / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + fraction);
}

function rangeOf(dtype: Dtype): [number, number] {
  const bits = 8 * bytesOf(dtype);
  return dtype.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

/**
 * Elements as a tensor of the input's own type keeps them, row by row, little-endian.
 * @throws {OnnxError} `input-data` where the type has no plain numbers, or a value is none of it
 */
export function encodeElements(
  input: string,
  dtype: Dtype,
  dims: readonly number[],
  values: readonly number[],
): Uint8Array {
  const where = `input "${input}"`;
  const write = WRITERS[dtype];
  if (!write) return refuse(where, `values of type ${dtype} cannot be given`);
  const isWhole = isInteger(dtype) && dtype !== 'bool';
  const [least, most] = isWhole ? rangeOf(dtype) : [-Infinity, Infinity];
  const wrong = isWhole ? values.find((value) => !Number.isInteger(value) || value < least || value > most) : undefined;
  if (wrong !== undefined) refuse(where, `${wrong} is no ${dtype}`);
  const count = dims.reduce((product, size) => product * size, 1);
  if (values.length !== count) refuse(where, `${values.length} values for a shape of [${dims}]`);
  const bytes = new Uint8Array(count * bytesOf(dtype));
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) write(view, index * bytesOf(dtype), value);
  return bytes;
}
