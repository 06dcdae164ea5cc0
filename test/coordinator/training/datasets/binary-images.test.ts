/** IDX, CIFAR and NumPy's files: what is read from good ones, and what is said of bad ones. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import { readNpy } from '../../../../coordinator/training/datasets/decode/npy.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { npyBytes } from '../support/npy.ts';
import { countsOf, readFile, readFolder, refused, saidOf } from '../support/refusals.ts';
import { BARS, idxFile, idxFiles } from '../support/small-datasets.ts';

const pixelsOf = (bars = BARS) => bars.flatMap(({ pixels }) => pixels);
const labelsOf = (bars = BARS) => bars.map(({ label }) => label);

describe('IDX', () => {
  it('takes the names of MNIST, Kaggle and EMNIST, packed or not', async (t) => {
    const files = idxFiles();
    const plain = await readFolder(t, files);
    assert.deepEqual([countsOf(plain), plain.finished.cut], [{ 0: 100, 1: 100 }, ['validation']]);
    const renamed = (name: (old: string) => string) =>
      readFolder(t, Object.fromEntries(Object.entries(files).map(([old, bytes]) => [name(old), bytes])));
    for (const kaggle of [
      await renamed((old) => old.replace('-idx', '.idx')),
      await renamed((old) => `${old.replace('-idx', '.idx').replace('.gz', '')}/${old}`),
    ])
      assert.deepEqual(kaggle.finished.data, plain.finished.data);
  });

  it("EMNIST's images are turned upright and its mapping names the classes; of several sets one must be named", async (t) => {
    const wide = [BARS.length, 2, 8] as [number, number, number];
    const set = (name: string) => ({
      [`emnist-${name}-train-images-idx3-ubyte`]: idxFile(wide, pixelsOf()),
      [`emnist-${name}-train-labels-idx1-ubyte`]: idxFile(
        [BARS.length],
        labelsOf().map((label) => label + 1),
      ),
      [`emnist-${name}-mapping.txt`]: '1 65 97\n2 66 98\n',
    });
    const read = await readFolder(t, set('letters'));
    const { data } = read.finished;
    assert.ok('width' in data);
    assert.deepEqual([data.width, data.height, data.classes], [2, 8, ['A', 'B']]);
    assert.match(saidOf(read), /lie on their side in their files: they are turned upright/);
    const both = { ...set('letters'), ...set('digits') };
    await assert.rejects(
      readFolder(t, both),
      refused(/several sets \(emnist-digits-?, emnist-letters-?\): say which one \("set: /),
    );
    assert.deepEqual((await readFolder(t, both, { set: 'letters' })).finished.data, data);
  });

  it('labels from 1 or with gaps are as many classes as occur; names must fit them', async (t) => {
    const with_ = (label: (old: number) => number, names?: string) =>
      readFolder(t, {
        'train-images-idx3-ubyte': idxFile([BARS.length, 4, 4], pixelsOf()),
        'train-labels-idx1-ubyte': idxFile([BARS.length], labelsOf().map(label)),
        ...(names === undefined ? {} : { 'labels.txt': names }),
      });
    const gaps = await with_((old) => (old === 0 ? 3 : 9));
    assert.deepEqual(countsOf(gaps), { 3: 100, 9: 100 });
    assert.match(saidOf(gaps), /warning: the labels are 3, 9, not 0 to 1/);
    const fromOne = await with_((old) => old + 1, 'shirt\nshoe\n');
    assert.deepEqual(countsOf(fromOne), { shirt: 100, shoe: 100 });
    assert.match(saidOf(fromOne), /the labels run from 1: 1 is "shirt"/);
    const more = await with_((old) => old, 'shirt\nshoe\nbag\n');
    assert.deepEqual(countsOf(more), { shirt: 100, shoe: 100 });
    assert.match(saidOf(more), /names 3 classes, of which 1 never occurs and is left out: bag/);
    await assert.rejects(
      with_((old) => 2 * old, 'shirt\nshoe\n'),
      refused(/labels\.txt names 2 classes, but the labels are 0, 2/),
    );
  });

  it('refuses what is missing, truncated, damaged or does not fit together', async (t) => {
    const files = idxFiles();
    const images = files['train-images-idx3-ubyte'] as Buffer;
    const bad = (change: Record<string, Uint8Array>) => readFolder(t, { ...files, ...change }, { format: 'idx' });
    await assert.rejects(
      readFolder(t, { x: 'y' }, { format: 'idx' }),
      refused(/train-images-idx3-ubyte does not exist/),
    );
    await assert.rejects(
      bad({ 'train-images-idx3-ubyte': images.subarray(0, 20) }),
      refused(/160×4×4 needs 2560 bytes, it has 4/),
    );
    await assert.rejects(
      bad({ 'train-images-idx3-ubyte': Buffer.from('<html>not found</html>') }),
      refused(/no IDX file of 3 dimensions.*0x00000803/),
    );
    const packed = files['t10k-images-idx3-ubyte.gz'] as Buffer;
    await assert.rejects(bad({ 't10k-images-idx3-ubyte.gz': packed.subarray(0, 15) }), refused(/cannot be unpacked/));
    await assert.rejects(
      bad({ 'train-labels-idx1-ubyte': idxFile([2], [0, 1]) }),
      refused(/160 images, but train-labels-idx1-ubyte has 2 labels/),
    );
    await assert.rejects(
      bad({ 't10k-images-idx3-ubyte.gz': gzipSync(idxFile([40, 2, 8], pixelsOf(BARS.slice(160)))) }),
      refused(/training images are 4×4, the test images 8×2/),
    );
    const { 't10k-labels-idx1-ubyte': _, ...without } = files;
    await assert.rejects(readFolder(t, without), refused(/has no labels beside it/));
  });
});

describe('CIFAR', () => {
  const record = (labels: number[], value = 0) =>
    Buffer.concat([
      Buffer.from(labels),
      Buffer.alloc(1024, 10 + value),
      Buffer.alloc(1024, 20),
      Buffer.alloc(1024, 30),
    ]);
  const batch = (count: number, labels: (i: number) => number[]) =>
    Buffer.concat(Array.from({ length: count }, (_, i) => record(labels(i), i)));

  it('puts the channels of a pixel side by side', async (t) => {
    const read = await readFolder(t, {
      'data_batch_1.bin': batch(40, (i) => [i % 2]),
      'test_batch.bin': batch(4, (i) => [i % 2]),
      'batches.meta.txt': 'cat\ndog\nbird\n',
    });
    const values = read.finished.data.test.values as Uint8Array;
    assert.deepEqual([...values.subarray(0, 6)], [10, 20, 30, 10, 20, 30]);
    assert.deepEqual(countsOf(read), { cat: 22, dog: 22 });
  });

  it('of 100 classes takes the fine labels, or the coarse ones', async (t) => {
    const files = {
      'train.bin': batch(60, (i) => [i % 2, 5 + (i % 3)]),
      'test.bin': batch(9, (i) => [i % 2, 5 + (i % 3)]),
      'fine_label_names.txt': 'a\nb\nc\nd\ne\nf\ng\nh\n',
    };
    assert.deepEqual(Object.keys(countsOf(await readFolder(t, files))), ['f', 'g', 'h']);
    assert.deepEqual(
      Object.keys(countsOf(await readFolder(t, files, { format: 'cifar100-binary', labels: 'coarse' }))),
      ['0', '1'],
    );
  });

  it('refuses what is missing, truncated or mislabelled, and the Python version with where to get the other', async (t) => {
    const bad = (files: Record<string, Uint8Array>) => readFolder(t, files, { format: 'cifar10-binary' });
    await assert.rejects(bad({ 'x.bin': record([0]) }), refused(/has no data_batch_1\.bin/));
    await assert.rejects(bad({ 'data_batch_1.bin': record([0]) }), refused(/test_batch\.bin does not exist/));
    await assert.rejects(
      bad({ 'data_batch_1.bin': record([0]).subarray(1) }),
      refused(/3072 bytes are no multiple of 3073/),
    );
    await assert.rejects(bad({ 'data_batch_1.bin': record([77]) }), refused(/record 0 has the label 77/));
    await assert.rejects(
      readFolder(t, { data_batch_1: 'x', test_batch: 'x', 'batches.meta': 'x' }),
      refused(/Python version .*binary version \(cifar-10-binary/),
    );
  });
});

describe('NumPy', () => {
  const npz = (arrays: Record<string, Buffer>) =>
    zipSync(Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, new Uint8Array(bytes)])));
  const x = (bars = BARS, type = '|u1', by = 1) =>
    npyBytes(
      type,
      [bars.length, 4, 4],
      pixelsOf(bars).map((value) => value * by),
    );
  const y = (bars = BARS, type = '<i8') => npyBytes(type, [bars.length], labelsOf(bars));

  it('reads versions 1 to 3, both byte orders, Fortran order, texts', () => {
    for (const version of [1, 2, 3] as const)
      for (const type of ['<f4', '>f4', '<f8', '<i2', '>i4', '<i8', '|u1'])
        assert.deepEqual(
          [...readNpy('x.npy', npyBytes(type, [2, 3], [1, 2, 3, 4, 5, 6], { version })).values],
          [1, 2, 3, 4, 5, 6],
          `${type} ${version}`,
        );
    // The first axis varies fastest in the file.
    assert.deepEqual(
      [...readNpy('x.npy', npyBytes('<f4', [2, 3], [1, 4, 2, 5, 3, 6], { fortran: true })).values],
      [1, 2, 3, 4, 5, 6],
    );
    assert.deepEqual(readNpy('x.npy', npyBytes('<U5', [2], ['cat', 'größe'])), {
      shape: [2],
      values: ['cat', 'größe'],
    });
    const whole = npyBytes('<f4', [2], [1, 2]);
    for (const [bytes, message] of [
      [whole.subarray(0, whole.length - 1), /is truncated: 2 values need 8 bytes, 7 are there/],
      [whole.subarray(0, 20), /header is not whole/],
      [Buffer.from('PK'), /is no NPY file/],
      [npyBytes('|u1', [1], [1]).fill('O', 22, 23), /holds|damaged/],
    ] as const)
      assert.throws(
        () => readNpy('x.npy', bytes),
        (error) => error instanceof DatasetError && message.test(error.message),
      );
  });

  it('finds images and labels by their names, splits with them, in a file or in a folder', async (t) => {
    const [train, test] = [BARS.slice(0, 160), BARS.slice(160)];
    const split = { x_train: x(train), y_train: y(train), x_test: x(test), y_test: y(test) };
    const read = await readFile(t, 'mnist.npz', npz(split));
    assert.deepEqual(
      [countsOf(read), read.finished.cut, read.finished.data.test.labels.length],
      [{ 0: 100, 1: 100 }, ['validation'], 40],
    );
    const medical = {
      train_images: x(train),
      train_labels: npyBytes('|u1', [160, 1], labelsOf(train)),
      val_images: x(test),
      val_labels: npyBytes('|u1', [40, 1], labelsOf(test)),
    };
    assert.deepEqual((await readFile(t, 'm.npz', npz(medical))).finished.cut, ['test']);
    const folder = await readFolder(
      t,
      Object.fromEntries(Object.entries(split).map(([name, bytes]) => [`${name}.npy`, bytes])),
    );
    assert.deepEqual(folder.finished.data, read.finished.data);
    const unnamed = await readFile(t, 'a.npz', npz({ arr_0: x(), arr_1: y() }));
    assert.match(saidOf(unnamed), /"arr_0" is taken for the images and "arr_1" for the labels/);
  });

  it('takes channels first or last, fractions for what they are, one-hot labels and texts', async (t) => {
    const plain = (await readFile(t, 'a.npz', npz({ x: x(), y: y() }))).finished.data;
    const fractions = await readFile(t, 'a.npz', npz({ x: x(BARS, '<f4', 1 / 255), y: y() }));
    assert.deepEqual(fractions.finished.data.train.values, plain.train.values);
    const one = await readFile(
      t,
      'a.npz',
      npz({ images: npyBytes('|u1', [BARS.length, 1, 4, 4], pixelsOf()), labels: y() }),
    );
    assert.deepEqual(one.finished.data.train.values, plain.train.values);
    const planar = BARS.flatMap(({ pixels }) => [
      ...pixels,
      ...pixels.map((value) => 255 - value),
      ...pixels.map(() => 7),
    ]);
    const colour = await readFile(t, 'a.npz', npz({ x: npyBytes('|u1', [BARS.length, 3, 4, 4], planar), y: y() }));
    const { data } = colour.finished;
    assert.ok('channels' in data && data.channels === 3);
    const [red, green, blue] = data.train.values as Uint8Array;
    assert.deepEqual([(red as number) + (green as number), blue], [255, 7]);
    const oneHot = npyBytes(
      '<f4',
      [BARS.length, 2],
      labelsOf().flatMap((label) => (label === 0 ? [1, 0] : [0, 1])),
    );
    assert.deepEqual(
      (await readFile(t, 'a.npz', npz({ x: x(), y: oneHot }))).finished.data.train.labels,
      plain.train.labels,
    );
    const named = npyBytes(
      '<U3',
      [BARS.length],
      labelsOf().map((label) => ['cat', 'dog'][label] as string),
    );
    assert.deepEqual(countsOf(await readFile(t, 'a.npz', npz({ x: x(), y: named }))), { cat: 100, dog: 100 });
  });

  it('refuses what is no number, what does not fit together, and what only Python reads', async (t) => {
    const read = (arrays: Record<string, Buffer>) => readFile(t, 'a.npz', npz(arrays));
    const nan = npyBytes(
      '<f4',
      [BARS.length, 4, 4],
      pixelsOf().map((value, i) => (i === 35 ? Number.NaN : value)),
    );
    await assert.rejects(read({ x: nan, y: y() }), refused(/x: image 3 holds a value that is no number \(NaN/));
    await assert.rejects(read({ x: x(), y: y(BARS.slice(1)) }), refused(/x has 200 images, but y has 199 labels/));
    await assert.rejects(read({ x: x() }), refused(/has no labels to train on: it has x \(200×4×4\)/));
    await assert.rejects(
      read({ x: npyBytes('|u1', [BARS.length, 2, 2, 2, 2], pixelsOf()), y: y() }),
      refused(/x has the shape 200×2×2×2×2: expected/),
    );
    await assert.rejects(
      read({
        x: x(),
        y: npyBytes(
          '<f4',
          [BARS.length],
          labelsOf().map((label) => label + 0.5),
        ),
      }),
      refused(/y: the label of image 1 is 0\.5/),
    );
    await assert.rejects(readFile(t, 'a.npz', 'PK\x03\x04 and no more'), refused(/is damaged or no ZIP archive/));
  });
});
