/** The formats of images: what is read from good files, and what is said of bad ones. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { readCifar10 } from '../../../../coordinator/training/datasets/cifar10.ts';
import { readCsvImages } from '../../../../coordinator/training/datasets/csv-images.ts';
import { readIdx } from '../../../../coordinator/training/datasets/idx.ts';
import { syntheticImages } from '../../../../coordinator/training/datasets/synthetic-images.ts';
import { loadTask } from '../../../../coordinator/training/load-task.ts';
import { DatasetError } from '../../../../coordinator/training/training-service.ts';
import { sharedData } from '../../../support/data.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const refused = (message: RegExp) => (error: unknown) => error instanceof DatasetError && message.test(error.message);

function idxFile(dims: number[], data: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(0x0800 + dims.length, 0);
  for (const [i, length] of dims.entries()) header.writeUInt32BE(length, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(data)]);
}

const IDX_FILES = {
  'train-images-idx3-ubyte': idxFile([3, 1, 2], [1, 2, 3, 4, 5, 6]),
  'train-labels-idx1-ubyte': idxFile([3], [0, 2, 1]),
  't10k-images-idx3-ubyte.gz': gzipSync(idxFile([1, 1, 2], [7, 8])),
  't10k-labels-idx1-ubyte': idxFile([1], [1]),
};

describe('IDX', () => {
  const read = (t: TestContext, change: Record<string, Uint8Array | string> = {}) =>
    readIdx(temporaryFolder(t, { ...IDX_FILES, ...change }));

  it('reads images and labels, packed or not', (t) => {
    const { height, width, train, test, classes } = read(t, { 'labels.txt': 'shirt\nshoe\nbag\n' });
    assert.deepEqual([height, width], [1, 2]);
    assert.deepEqual(
      [[...train.pixels], [...train.labels]],
      [
        [1, 2, 3, 4, 5, 6],
        [0, 2, 1],
      ],
    );
    assert.deepEqual([...(test?.pixels ?? [])], [7, 8]);
    assert.deepEqual(classes, ['shirt', 'shoe', 'bag']);
  });

  it('refuses what is missing, truncated, damaged or does not fit together', (t) => {
    const images = IDX_FILES['train-images-idx3-ubyte'];
    const bad = (change: Record<string, Uint8Array>) => () => read(t, change);
    assert.throws(() => readIdx('/nowhere'), refused(/\/nowhere\/train-images-idx3-ubyte\.gz does not exist/));
    assert.throws(
      bad({ 'train-images-idx3-ubyte': images.subarray(0, 20) }),
      refused(/train-images.*3×1×2 needs 6 bytes, it has 4/),
    );
    assert.throws(
      bad({ 'train-images-idx3-ubyte': Buffer.from('<html>not found</html>') }),
      refused(/no IDX file of 3 dimensions.*0x00000803/),
    );
    const packed = IDX_FILES['t10k-images-idx3-ubyte.gz'];
    assert.throws(bad({ 't10k-images-idx3-ubyte.gz': packed.subarray(0, 15) }), refused(/cannot be unpacked/));
    assert.throws(bad({ 'train-labels-idx1-ubyte': idxFile([2], [0, 1]) }), refused(/3 images but 2 labels/));
    assert.throws(
      bad({ 't10k-images-idx3-ubyte.gz': gzipSync(idxFile([1, 2, 1], [7, 8])) }),
      refused(/training images are 2×1, the test images 1×2/),
    );
  });
});

describe('CIFAR-10', () => {
  const record = (label: number) =>
    Buffer.concat([Buffer.of(label), Buffer.alloc(1024, 10), Buffer.alloc(1024, 20), Buffer.alloc(1024, 30)]);

  it('puts the channels of a pixel side by side', (t) => {
    const folder = temporaryFolder(t, {
      'data_batch_1.bin': record(3),
      'data_batch_2.bin': Buffer.concat([record(9), record(0)]),
      'test_batch.bin': record(1),
    });
    const { train, test, classes } = readCifar10(folder);
    assert.deepEqual([...train.labels], [3, 9, 0]);
    assert.deepEqual([...train.pixels.subarray(0, 6)], [10, 20, 30, 10, 20, 30]);
    assert.deepEqual([...(test?.labels ?? [])], [1]);
    assert.equal(classes.length, 10);
  });

  it('refuses what is missing, truncated or mislabelled', (t) => {
    const bad = (files: Record<string, Uint8Array>) => () => readCifar10(temporaryFolder(t, files));
    assert.throws(() => readCifar10('/nowhere'), refused(/\/nowhere does not exist/));
    assert.throws(bad({}), refused(/has no data_batch_1\.bin/));
    assert.throws(bad({ 'data_batch_1.bin': record(0) }), refused(/test_batch\.bin does not exist/));
    assert.throws(bad({ 'data_batch_1.bin': record(0).subarray(1) }), refused(/3072 bytes are no multiple of 3073/));
    assert.throws(bad({ 'data_batch_1.bin': record(77) }), refused(/record 0 has the label 77/));
  });
});

describe('CSV', () => {
  const read = (t: TestContext, text: string | Uint8Array, name = 'x.csv') =>
    readCsvImages({
      path: `${temporaryFolder(t, { [name]: text })}/${name}`,
      width: 2,
      height: 1,
      maxValue: 16,
    });

  it('scales the pixels to bytes', (t) => {
    for (const { train, classes } of [read(t, '0,16,1\r\n8,4,0\n'), read(t, gzipSync('0,16,1\n8,4,0\n'), 'x.csv.gz')]) {
      assert.deepEqual([...train.pixels], [0, 255, 128, 64]);
      assert.deepEqual([...train.labels], [1, 0]);
      assert.deepEqual(classes, ['0', '1']);
    }
  });

  it('names line and column of what it cannot read', (t) => {
    assert.throws(() => read(t, ''), refused(/has no rows/));
    assert.throws(() => read(t, '1,2,0\n1,2\n'), refused(/line 2: 2 columns, but 2×1 pixels and a label are 3/));
    assert.throws(() => read(t, '1,x,0\n'), refused(/line 1, column 2: expected a number from 0 to 16/));
    assert.throws(() => read(t, '1,17,0\n'), refused(/line 1, column 2/));
    assert.throws(() => read(t, '1,2,1.5\n'), refused(/line 1, column 3: expected a whole number/));
    assert.throws(() => read(t, '1,,0\n'), refused(/line 1, column 2/));
  });
});

describe('splits', () => {
  const load = (dataset: DatasetSpec) => loadTask({ workload: 'image-classifier', dataset });
  const SPLITS = ['train', 'validation', 'test'] as const;

  it('synthetic images are the same for the same seed, others for another', () => {
    const draw = (seed: number) => syntheticImages.read({ samples: 200, classes: 4, seed });
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(2).train.pixels, draw(1).train.pixels);
  });

  it('what a format does not have is cut from its training images, every class in its share', async (t) => {
    const rows = Array.from({ length: 200 }, (_, i) => `${i % 17},${i % 13},${i % 4}`).join('\n');
    const path = `${temporaryFolder(t, { 'x.csv': rows })}/x.csv`;
    const task = await load({ format: 'csv-images', path, width: 2, height: 1, maxValue: 16 });
    assert.deepEqual(
      SPLITS.map((split) => task.labels(split).length),
      [144, 26, 30],
    );
    for (const labels of SPLITS.map((split) => task.labels(split))) {
      for (let label = 0; label < 4; label++) {
        const count = labels.filter((value) => value === label).length;
        assert.ok(Math.abs(count - labels.length / 4) <= 2, `${count} of ${labels.length}`);
      }
    }
  });

  it('refuses data that are too few, or of one class', async (t) => {
    const csv = (rows: string[]) => {
      const path = `${temporaryFolder(t, { 'x.csv': rows.join('\n') })}/x.csv`;
      return load({ format: 'csv-images', path, width: 1, height: 1, maxValue: 1 });
    };
    await assert.rejects(csv(['0,0', '1,1']), refused(/at least 32/));
    await assert.rejects(csv(Array(100).fill('1,0')), refused(/one class/));
  });

  const shared: [string, DatasetSpec, number[]][] = [
    ['fashion-mnist', { format: 'idx' }, [8500, 1500, 2000]],
    ['cifar10', { format: 'cifar10-binary' }, [1530, 270, 400]],
    ['digits/digits.csv.gz', { format: 'csv-images', width: 8, height: 8, maxValue: 16 }, [867, 153, 180]],
  ];
  for (const [name, spec, counts] of shared) {
    it(`reads ${name}`, async (t) => {
      const path = sharedData(`datasets/${name}`);
      if (!path) return t.skip('the shared data are not here');
      const task = await load({ ...spec, path });
      assert.deepEqual(
        SPLITS.map((split) => task.labels(split).length),
        counts,
      );
      assert.equal(task.classes.length, 10);
    });
  }
});
