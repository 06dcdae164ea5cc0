/** The binary versions of CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html): label bytes, then 3 × 32 × 32 pixels a record. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, imageSettings, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { inSize } from '../decode/image-size.ts';
import type { DataSource } from '../source/data-source.ts';
import { namesFrom } from './name-file.ts';

const SIDE = 32;
const CHANNELS = 3;
const PIXELS = SIDE * SIDE;

/** What a record begins with. */
interface Layout {
  labelBytes: number;
  /** Which of them is the label. */
  labelAt: number;
  classes: number;
}
const CIFAR10: Layout = { labelBytes: 1, labelAt: 0, classes: 10 };
const COARSE: Layout = { labelBytes: 2, labelAt: 0, classes: 20 };
const FINE: Layout = { labelBytes: 2, labelAt: 1, classes: 100 };

const BATCH = /^data_batch_\d+\.bin$/i;
/** The version that Python programs read. */
const PICKLED = /^(data_batch_\d+|test_batch|batches\.meta|train|test|meta)$/;

export function refusePickled(source: DataSource): void {
  const pickled = source.names.filter((name) => PICKLED.test(name));
  if (pickled.length > 1)
    throw new DatasetError(
      `${source.path} holds CIFAR's Python version (${pickled.slice(0, 3).join(', ')}), which only a Python program can read: get the binary version (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)`,
    );
}

async function readCifar10({
  settings,
  source,
  notices,
  limits,
}: Reading<z.output<typeof cifar10Settings>>): Promise<RawData<'images'>> {
  const batches = source.matching(BATCH);
  if (batches.length === 0) {
    refusePickled(source);
    throw new DatasetError(`${source.path} has no data_batch_1.bin: is it the binary version of CIFAR-10?`);
  }
  const splits = [];
  for (const name of batches) splits.push(await readBatch(source, name, CIFAR10));
  const train = {
    values: Buffer.concat(splits.map(({ values }) => values)),
    labels: splits.flatMap(({ labels }) => labels as number[]),
  };
  const classNames = await namesFrom(source, ['batches.meta.txt'], notices, 0);
  const test = await readBatch(source, 'test_batch.bin', CIFAR10);
  return inSize(
    { ...SHAPE, train, validation: null, test, ...(classNames ? { classNames } : {}) },
    settings.imageSize,
    notices,
    limits,
  );
}

async function readCifar100({
  settings,
  source,
  notices,
  limits,
}: Reading<z.output<typeof cifar100Settings>>): Promise<RawData<'images'>> {
  if (!source.has('train.bin')) refusePickled(source);
  const layout = settings.labels === 'coarse' ? COARSE : FINE;
  const train = await readBatch(source, 'train.bin', layout);
  const test = await readBatch(source, 'test.bin', layout);
  const classNames = await namesFrom(source, [`${settings.labels}_label_names.txt`], notices, 0);
  return inSize(
    { ...SHAPE, train, validation: null, test, ...(classNames ? { classNames } : {}) },
    settings.imageSize,
    notices,
    limits,
  );
}

const SHAPE = { height: SIDE, width: SIDE, channels: CHANNELS, preparation: [] };

async function readBatch(
  source: DataSource,
  name: string,
  { labelBytes, labelAt, classes }: Layout,
): Promise<RawSplit<Uint8Array>> {
  const path = source.called(name);
  const bytes = await source.read(name, 'a CIFAR binary batch');
  const recordBytes = labelBytes + PIXELS * CHANNELS;
  const count = bytes.length / recordBytes;
  if (count === 0 || !Number.isInteger(count)) {
    throw new DatasetError(
      `${path} is truncated or no CIFAR batch: its ${bytes.length} bytes are no multiple of ${recordBytes}`,
    );
  }
  const values = new Uint8Array(count * PIXELS * CHANNELS);
  const labels: number[] = [];
  for (let record = 0; record < count; record++) {
    const start = record * recordBytes;
    const label = bytes[start + labelAt] as number;
    if (label >= classes)
      throw new DatasetError(
        `${path}: record ${record} has the label ${label}; its labels go from 0 to ${classes - 1}`,
      );
    labels.push(label);
    // From a plane per channel to a pixel's channels side by side.
    for (let i = 0; i < PIXELS * CHANNELS; i++) {
      const [channel, pixel] = [Math.floor(i / PIXELS), i % PIXELS];
      values[record * PIXELS * CHANNELS + pixel * CHANNELS + channel] = bytes[start + labelBytes + i] as number;
    }
  }
  return { values, labels };
}

const cifar10Settings = z.object({
  path: pathSetting('folder or ZIP archive with data_batch_1.bin and its fellows', '/path/to/cifar-10-batches-bin'),
  imageSize: imageSettings.imageSize,
  ...splitSettings,
});

export const cifar10Binary = datasetFormat({
  name: 'cifar10-binary',
  description: "CIFAR-10's binary batches under their original names",
  holds: 'images',
  settings: cifar10Settings,
  recognises: (source) => source.names.some((name) => BATCH.test(name)),
  read: readCifar10,
});

const cifar100Settings = z.object({
  path: pathSetting('folder or ZIP archive with train.bin and test.bin', '/path/to/cifar-100-binary'),
  labels: z.enum(['fine', 'coarse']).default('fine').describe('fine: 100 classes, coarse: 20'),
  imageSize: imageSettings.imageSize,
  ...splitSettings,
});

export const cifar100Binary = datasetFormat({
  name: 'cifar100-binary',
  description: "CIFAR-100's binary files under their original names",
  holds: 'images',
  settings: cifar100Settings,
  recognises: (source) => source.names.includes('train.bin') && source.names.includes('test.bin'),
  read: readCifar100,
});
