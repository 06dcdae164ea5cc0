/** MNIST's IDX files, optionally gzipped (http://yann.lecun.com/exdb/mnist/): Fashion-MNIST and its kin have them too. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import { datasetFormat } from './dataset-format.ts';
import type { ImageSplit, RawImages } from './image-dataset.ts';
import { gunzipDatasetFile, readDatasetFile } from './read-file.ts';

const IMAGES_MAGIC = 0x0803;
const LABELS_MAGIC = 0x0801;

/** @param folder holds `train-images-idx3-ubyte` and its fellows, each with or without `.gz`; `labels.txt` may name the classes */
export function readIdx(folder: string): RawImages {
  const train = readPair(folder, 'train');
  const test = readPair(folder, 't10k');
  if (train.height !== test.height || train.width !== test.width) {
    throw new DatasetError(
      `${folder}: the training images are ${train.width}×${train.height}, the test images ${test.width}×${test.height}`,
    );
  }
  let highest = 0;
  for (const labels of [train.labels, test.labels]) for (const label of labels) highest = Math.max(highest, label);
  return {
    height: train.height,
    width: train.width,
    channels: 1,
    classes: classNames(folder, highest + 1),
    train,
    validation: null,
    test,
  };
}

function readPair(folder: string, split: 'train' | 't10k'): ImageSplit & { height: number; width: number } {
  const images = readIdxFile(folder, `${split}-images-idx3-ubyte`, IMAGES_MAGIC, 3);
  const labels = readIdxFile(folder, `${split}-labels-idx1-ubyte`, LABELS_MAGIC, 1);
  const [count, height, width] = images.dims as [number, number, number];
  if (labels.dims[0] !== count)
    throw new DatasetError(`${folder}: ${split} has ${count} images but ${labels.dims[0]} labels`);
  if (count === 0) throw new DatasetError(`${folder}: ${split} has no images`);
  return { pixels: images.data, labels: labels.data, height, width };
}

function readIdxFile(folder: string, name: string, magic: number, rank: number): { dims: number[]; data: Uint8Array } {
  const plain = join(folder, name);
  const path = existsSync(plain) ? plain : `${plain}.gz`;
  const raw = readDatasetFile(path, `an IDX file (${name} or ${name}.gz)`);
  const bytes = path.endsWith('.gz') ? gunzipDatasetFile(path, raw) : raw;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes || view.getUint32(0) !== magic) {
    throw new DatasetError(
      `${path} is no IDX file of ${rank} dimensions: its first four bytes should be 0x${magic.toString(16).padStart(8, '0')}`,
    );
  }
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = dims.reduce((size, length) => size * length, 1);
  const data = bytes.subarray(headerBytes);
  if (data.length !== expected)
    throw new DatasetError(
      `${path} is truncated or damaged: ${dims.join('×')} needs ${expected} bytes, it has ${data.length}`,
    );
  return { dims, data };
}

function classNames(folder: string, count: number): string[] {
  const path = join(folder, 'labels.txt');
  const names = existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
    : [];
  return names.length >= count ? names : Array.from({ length: count }, (_, label) => String(label));
}

export const idx = datasetFormat({
  name: 'idx',
  description: "MNIST's IDX files under their original names, gzipped or not",
  holds: 'images',
  settings: z.object({
    path: z
      .string()
      .min(1)
      .meta({ description: 'folder with train-images-idx3-ubyte and its fellows', examples: ['/path/to/mnist'] }),
  }),
  read: ({ path }) => readIdx(path),
});
