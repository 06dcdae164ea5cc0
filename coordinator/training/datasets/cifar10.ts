/** CIFAR-10's binary batches (https://www.cs.toronto.edu/~kriz/cifar.html): a label byte, then 3 × 32 × 32 pixels a record. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DatasetError } from '../training-service.ts';
import { datasetFormat } from './dataset-format.ts';
import type { ImageSplit, RawImages } from './image-dataset.ts';
import { readDatasetFile } from './read-file.ts';

const SIDE = 32;
const CHANNELS = 3;
const PIXELS = SIDE * SIDE;
const RECORD_BYTES = 1 + PIXELS * CHANNELS;
const CLASSES = 10;

/** @param folder holds `data_batch_*.bin`, `test_batch.bin` and, for the names, `batches.meta.txt` */
export function readCifar10(folder: string): RawImages {
  if (!existsSync(folder))
    throw new DatasetError(`${folder} does not exist: expected a folder with data_batch_1.bin and test_batch.bin`);
  const batches = readdirSync(folder)
    .filter((name) => /^data_batch_\d+\.bin$/.test(name))
    .sort();
  if (batches.length === 0)
    throw new DatasetError(`${folder} has no data_batch_1.bin: is it the binary version of CIFAR-10?`);
  return {
    height: SIDE,
    width: SIDE,
    channels: CHANNELS,
    classes: classNames(folder),
    train: joined(batches.map((name) => readBatch(join(folder, name)))),
    validation: null,
    test: readBatch(join(folder, 'test_batch.bin')),
  };
}

function readBatch(path: string): ImageSplit {
  const bytes = readDatasetFile(path, 'a CIFAR-10 binary batch');
  const count = bytes.length / RECORD_BYTES;
  if (count === 0 || !Number.isInteger(count)) {
    throw new DatasetError(
      `${path} is truncated or no CIFAR-10 batch: its ${bytes.length} bytes are no multiple of ${RECORD_BYTES}`,
    );
  }
  const split = { pixels: new Uint8Array(count * PIXELS * CHANNELS), labels: new Uint8Array(count) };
  for (let record = 0; record < count; record++) {
    const start = record * RECORD_BYTES;
    const label = bytes[start] as number;
    if (label >= CLASSES)
      throw new DatasetError(`${path}: record ${record} has the label ${label}; CIFAR-10 has labels 0 to 9`);
    split.labels[record] = label;
    // From a plane per channel to a pixel's channels side by side.
    for (let i = 0; i < PIXELS * CHANNELS; i++) {
      const [channel, pixel] = [Math.floor(i / PIXELS), i % PIXELS];
      split.pixels[record * PIXELS * CHANNELS + pixel * CHANNELS + channel] = bytes[start + 1 + i] as number;
    }
  }
  return split;
}

function joined(splits: ImageSplit[]): ImageSplit {
  return {
    pixels: Buffer.concat(splits.map(({ pixels }) => pixels)),
    labels: Buffer.concat(splits.map(({ labels }) => labels)),
  };
}

function classNames(folder: string): string[] {
  const path = join(folder, 'batches.meta.txt');
  const names = existsSync(path)
    ? Buffer.from(readDatasetFile(path, 'class names'))
        .toString('utf8')
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean)
    : [];
  return names.length === CLASSES ? names : Array.from({ length: CLASSES }, (_, label) => String(label));
}

export const cifar10Binary = datasetFormat({
  name: 'cifar10-binary',
  description: "CIFAR-10's binary batches under their original names",
  holds: 'images',
  settings: z.object({
    path: z
      .string()
      .min(1)
      .meta({
        description: 'folder with data_batch_1.bin and its fellows',
        examples: ['/path/to/cifar-10-batches-bin'],
      }),
  }),
  read: ({ path }) => readCifar10(path),
});
