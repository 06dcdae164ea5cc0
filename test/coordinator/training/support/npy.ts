/** Writes NPY files as NumPy does. */

type Writer = [bytes: number, write: (view: DataView, at: number, value: number, little: boolean) => void];
const WRITERS: Readonly<Record<string, Writer>> = {
  u1: [1, (view, at, value) => view.setUint8(at, value)],
  b1: [1, (view, at, value) => view.setUint8(at, value)],
  i2: [2, (view, at, value, little) => view.setInt16(at, value, little)],
  i4: [4, (view, at, value, little) => view.setInt32(at, value, little)],
  i8: [8, (view, at, value, little) => view.setBigInt64(at, BigInt(value), little)],
  f4: [4, (view, at, value, little) => view.setFloat32(at, value, little)],
  f8: [8, (view, at, value, little) => view.setFloat64(at, value, little)],
};

/** @param type such as "<f4"; `values` in the order of the file */
export function npyBytes(
  type: string,
  shape: readonly number[],
  values: readonly (number | string)[],
  { fortran = false, version = 1 }: { fortran?: boolean; version?: 1 | 2 | 3 } = {},
): Buffer {
  const lengthBytes = version === 1 ? 2 : 4;
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dims}), }`;
  const padding = 63 - ((8 + lengthBytes + text.length) % 64);
  const header = Buffer.from(`${text}${' '.repeat(padding)}\n`);
  const start = Buffer.concat([
    Buffer.from('\x93NUMPY', 'latin1'),
    Buffer.from([version, 0]),
    Buffer.alloc(lengthBytes),
  ]);
  if (version === 1) start.writeUInt16LE(header.length, 8);
  else start.writeUInt32LE(header.length, 8);
  return Buffer.concat([start, header, dataOf(type, values)]);
}

function dataOf(type: string, values: readonly (number | string)[]): Buffer {
  const isText = type[1] === 'U';
  if (isText) {
    const width = Number(type.slice(2));
    const data = Buffer.alloc(4 * width * values.length);
    for (const [i, text] of values.entries())
      for (const [at, char] of [...String(text)].entries())
        data.writeUInt32LE(char.codePointAt(0) as number, 4 * (i * width + at));
    return data;
  }
  const [bytes, write] = WRITERS[type.slice(1)] as Writer;
  const data = Buffer.alloc(bytes * values.length);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (const [i, value] of values.entries()) write(view, bytes * i, Number(value), type[0] !== '>');
  return data;
}
