/** What people write of inputs, and the files that they name. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { givenBy, INPUT_OPTIONS, NOTHING_SAID } from '@edgetune/shared/onnx/input-options.ts';
import { encodeElements, readNpy } from '@edgetune/shared/onnx/input-values.ts';
import { readElements } from '@edgetune/shared/onnx/tensor.ts';
import fc from 'fast-check';
import { refused } from './support.ts';

/** An .npy file as NumPy writes it. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = Buffer.from(header, 'latin1');
  const length = Buffer.alloc(version > 1 ? 4 : 2);
  if (version > 1) length.writeUInt32LE(text.length);
  else length.writeUInt16LE(text.length);
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]), length, text, data]);
}
const header = (type: string, shape: string, fortran = 'False') =>
  `{'descr': '${type}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

describe('options of inputs', () => {
  const { dimension, shape, inputData, inputValue } = INPUT_OPTIONS;

  it('are read as they are meant', () => {
    assert.deepEqual(dimension.parse('tokens=128', {}), { tokens: 128 });
    assert.deepEqual(dimension.parse('N=batch', { t: 0 }), { t: 0, N: 'batch' });
    assert.deepEqual(dimension.parse('a=b=0', {}), { 'a=b': 0 });
    assert.deepEqual(shape.parse('x:0=1, 3,48,192', {}), { 'x:0': [1, 3, 48, 192] });
    assert.deepEqual(shape.parse('x=batch,3', {}), { x: ['batch', 3] });
    assert.deepEqual(shape.parse('sr=', {}), { sr: [] });
    assert.deepEqual(inputData.parse('x=a/b.npy', {}), { x: 'a/b.npy' });
    assert.deepEqual(inputValue.parse('sr=-1.5e3', {}), { sr: -1500 });
  });

  it('that mean nothing, or stand there twice, are refused with an example', () => {
    for (const text of ['tokens', 'tokens=', '=5', 'tokens=-1', 'tokens=1.5', 'tokens=Batch', 'tokens=1e3'])
      assert.throws(() => dimension.parse(text, {}), /expected something such as tokens=128/, text);
    for (const text of ['x', 'x=1,,2', 'x=1x3', 'x=-1'])
      assert.throws(() => shape.parse(text, {}), /such as image=1,3,224,224/, text);
    for (const text of ['sr=', 'sr=NaN', 'sr=Infinity', 'sr=a'])
      assert.throws(() => inputValue.parse(text, {}), /such as rate=16000/, text);
    assert.throws(() => dimension.parse('t=1', { t: 2 }), /"t" is said twice/);
  });

  it('name files, which are read; an input has one of them', () => {
    const file = npy(header('<i8', '(2,)'), new Uint8Array(BigInt64Array.of(3n, -4n).buffer));
    const said = { ...NOTHING_SAID, inputData: { x: 'x.npy' }, inputValue: { sr: 16000 } };
    const given = givenBy(said, (path) => (path === 'x.npy' ? file : assert.fail(path)));
    assert.deepEqual(given.values, { x: { shape: [2], values: [3, -4] }, sr: { shape: null, values: [16000] } });
    refused('input-data', /input "x": it has both/, () => givenBy({ ...said, inputValue: { x: 1 } }, () => file));
  });
});

describe('.npy files', () => {
  it('of every type, version and order are read', () => {
    const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    assert.deepEqual(readNpy(npy(header('<f4', '(2, 3)'), floats), 'a'), { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] });
    assert.deepEqual(readNpy(npy(header('<f4', '(2, 3)', 'True'), floats, 3), 'a').values, [1, 3, 5, 2, 4, 6]);
    assert.deepEqual(readNpy(npy(header('|b1', '()'), Uint8Array.of(1), 2), 'a'), { shape: [], values: [1] });
    assert.deepEqual(readNpy(npy(header('>u1', '(1,)'), Uint8Array.of(9)), 'a').values, [9], 'one byte has no order');
    assert.deepEqual(readNpy(npy(header('<f2', '(2,)'), Uint8Array.of(0, 0x3c, 0, 0xb8)), 'a').values, [1, -0.5]);
    assert.deepEqual(readNpy(npy(header('<f4', '(0, 3)'), new Uint8Array()), 'a'), { shape: [0, 3], values: [] });
  });

  it('that are none, are cut short or hold something else are refused by their name', () => {
    const bad = (bytes: Uint8Array, message: RegExp) => refused('input-data', message, () => readNpy(bytes, 'x.npy'));
    bad(Buffer.from('PK\x03\x04 an archive'), /x.npy: this is no .npy file/);
    bad(npy(header('<f4', '(2,)'), new Uint8Array(7)), /7 bytes of data where 8 belong/);
    bad(npy(header('>f4', '(1,)'), new Uint8Array(4)), /only plain numbers in little-endian order/);
    bad(npy(header('|O', '(1,)'), new Uint8Array(4)), /it holds '\|O'/);
    bad(npy("{'descr': [('a', '<f4')], 'shape': (1,)}", new Uint8Array(4)), /only plain numbers/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (rest) => {
        try {
          readNpy(Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]), rest]), 'x.npy');
        } catch (error) {
          assert.equal((error as Error).name, 'OnnxError', `${error}`);
        }
      }),
    );
  });
});

it('what is written as a type is read as the nearest of it', () => {
  for (const dtype of [
    'float32',
    'float64',
    'float16',
    'int8',
    'uint8',
    'int16',
    'uint16',
    'int32',
    'uint32',
    'int64',
    'uint64',
    'bool',
  ] as const) {
    const values = dtype === 'bool' ? [1, 0, 5] : dtype.startsWith('u') ? [0, 1, 200] : [0, -1, 100];
    const read = readElements(encodeElements('x', dtype, [3], values), dtype, 3, 'x');
    assert.deepEqual(read, dtype === 'bool' ? [1, 0, 1] : values, dtype);
  }
  const halves = [0.5, -2, 65504, 1e6, 2 ** -24, 0.1, Number.NaN];
  const read = readElements(encodeElements('x', 'float16', [7], halves), 'float16', 7, 'x') as number[];
  assert.deepEqual(read.slice(0, 5), [0.5, -2, 65504, Infinity, 2 ** -24]);
  assert.ok(Math.abs((read[5] as number) - 0.1) < 1e-4 && Number.isNaN(read[6]));
  refused('input-data', /256 is no uint8/, () => encodeElements('x', 'uint8', [1], [256]));
  refused('input-data', /values of type string cannot be given/, () => encodeElements('x', 'string', [1], [1]));
});
