/** MNIST's IDX files, optionally gzipped (http://yann.lecun.com/exdb/mnist/): Fashion-MNIST, EMNIST and their kin have them too. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import type { ClassNames, RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, imageSettings, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { inSize, needRoom } from '../decode/image-size.ts';
import { decodeText } from '../decode/text.ts';
import { type Notices, some } from '../notices.ts';
import type { DataSource } from '../source/data-source.ts';
import { namesFrom } from './name-file.ts';

const IMAGES_MAGIC = 0x0803;
const LABELS_MAGIC = 0x0801;
/** As MNIST, Kaggle ("train-images.idx3-ubyte", also in a folder of that name) and EMNIST ("emnist-letters-train-…") call them. */
const IDX_FILE = /(^|[/_-])(train|t10k|test|val|valid|validation)[-_.](images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?$/i;
const EXPECTED = 'train-images-idx3-ubyte and its fellows, gzipped or not';

const settings = z.object({
  path: pathSetting('folder or ZIP archive with train-images-idx3-ubyte and its fellows', '/path/to/mnist'),
  set: z.string().min(1).optional().describe('which one, where the folder holds several, as EMNIST\'s: "letters"'),
  imageSize: imageSettings.imageSize,
  ...splitSettings,
});

interface Part {
  name: string;
  /** Before the split in the file's name: "emnist-letters". */
  set: string;
  split: SplitName;
  what: 'images' | 'labels';
}

function partsOf(source: DataSource): Part[] {
  return source.names.flatMap((name) => {
    const match = name.match(IDX_FILE);
    if (!match) return [];
    const [split, what] = [match[2] as string, match[3] as string].map((text) => text.toLowerCase()) as [
      string,
      Part['what'],
    ];
    const before = name.slice(0, (match.index as number) + (match[1] as string).length);
    const set = (before.split('/').at(-1) as string).replace(/[-_]$/, '');
    const splitName = split === 'train' ? 'train' : split.startsWith('val') ? 'validation' : 'test';
    return [{ name, set, split: splitName, what }];
  });
}

async function read(reading: Reading<z.output<typeof settings>>): Promise<RawData<'images'>> {
  const { settings: said, source, notices, limits } = reading;
  const parts = chosenParts(source, said.set);
  const isEmnist = parts.some(({ set }) => /^emnist/i.test(set));
  const pair = async (split: SplitName): Promise<Pair | null> => {
    const [images, labels] = (['images', 'labels'] as const).map((what) =>
      bestOf(parts.filter((part) => part.split === split && part.what === what)),
    );
    if (!images && !labels) return null;
    if (!images || !labels)
      throw new DatasetError(
        `${source.called((images ?? (labels as Part)).name)} has no ${images ? 'labels' : 'images'} beside it: expected ${EXPECTED}`,
      );
    return readPair(source, images.name, labels.name, isEmnist);
  };
  const train = await pair('train');
  if (!train)
    throw new DatasetError(`${source.called('train-images-idx3-ubyte')} does not exist: expected ${EXPECTED}`);
  const [validation, test] = [await pair('validation'), await pair('test')];
  const { height, width } = train;
  for (const other of [validation, test])
    if (other && (other.height !== height || other.width !== width))
      throw new DatasetError(
        `${source.path}: the training images are ${width}×${height}, the ${other === test ? 'test' : 'validation'} images ${other.width}×${other.height}`,
      );
  needRoom(train.labels.length, height * width, limits);
  if (isEmnist) notices.note("EMNIST's images lie on their side in their files: they are turned upright");
  const classNames =
    (await mappingOf(source, parts[0]?.set ?? '', notices)) ??
    (await namesFrom(source, ['labels.txt', 'classes.txt'], notices));
  const raw = {
    ...{ height, width, channels: 1, preparation: [] },
    train: plain(train),
    validation: validation && plain(validation),
    test: test && plain(test),
    ...(classNames ? { classNames } : {}),
  };
  return inSize(raw, said.imageSize, notices, limits);
}

const plain = ({ values, labels }: Pair): RawSplit<Uint8Array> => ({ values, labels });

/** @throws {DatasetError} where there are none, or several sets */
function chosenParts(source: DataSource, set: string | undefined): Part[] {
  source.matching(IDX_FILE);
  const parts = partsOf(source);
  const sets = [...new Set(parts.map((part) => part.set))];
  if (set !== undefined) {
    const chosen = parts.filter((part) => part.set === set || part.set.toLowerCase().endsWith(`-${set.toLowerCase()}`));
    if (chosen.length === 0)
      throw new DatasetError(
        `${source.path} has no set "${set}": it has ${some(sets.filter(Boolean), 10) || 'one, without a name'}`,
      );
    return chosen;
  }
  if (sets.length > 1)
    throw new DatasetError(
      `${source.path} holds several sets (${some(sets, 10)}): say which one ("set: ${sets.at(-1)?.split('-').at(-1)}")`,
    );
  return parts;
}

/** Of several copies (Kaggle has each twice) the one that lies highest, unpacked. */
function bestOf(parts: readonly Part[]): Part | undefined {
  const rank = ({ name }: Part) => 2 * name.split('/').length + (/\.gz$/i.test(name) ? 1 : 0);
  return [...parts].sort((a, b) => rank(a) - rank(b))[0];
}

interface Pair {
  values: Uint8Array;
  labels: number[];
  height: number;
  width: number;
}

async function readPair(
  source: DataSource,
  imagesName: string,
  labelsName: string,
  isOnItsSide: boolean,
): Promise<Pair> {
  const images = await readIdxFile(source, imagesName, IMAGES_MAGIC, 3);
  const labels = await readIdxFile(source, labelsName, LABELS_MAGIC, 1);
  const [count, height, width] = images.dims as [number, number, number];
  if (labels.dims[0] !== count)
    throw new DatasetError(
      `${source.called(imagesName)} has ${count} images, but ${labelsName} has ${labels.dims[0]} labels`,
    );
  if (count === 0) throw new DatasetError(`${source.called(imagesName)} has no images`);
  const values = isOnItsSide ? transposed(images.data, height, width) : images.data;
  return {
    values,
    labels: Array.from(labels.data),
    height: isOnItsSide ? width : height,
    width: isOnItsSide ? height : width,
  };
}

function transposed(pixels: Uint8Array, height: number, width: number): Uint8Array {
  const turned = new Uint8Array(pixels.length);
  const size = height * width;
  for (let start = 0; start < pixels.length; start += size)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) turned[start + x * height + y] = pixels[start + y * width + x] as number;
  return turned;
}

async function readIdxFile(
  source: DataSource,
  name: string,
  magic: number,
  rank: number,
): Promise<{ dims: number[]; data: Uint8Array }> {
  const path = source.called(name);
  const bytes = await source.readUnpacked(name, `an IDX file (${name})`);
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

/** EMNIST's "emnist-letters-mapping.txt": a label and the character codes that it stands for, a line each. */
async function mappingOf(source: DataSource, set: string, notices: Notices): Promise<ClassNames | undefined> {
  const file = `${set}-mapping.txt`;
  if (set === '' || !source.has(file)) return undefined;
  const text = decodeText(source.called(file), await source.read(file, 'labels and character codes'), {
    notices,
    limits: source.limits,
  });
  const rows = text
    .split(/\r?\n/)
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((row) => row.length > 1);
  const first = rows[0]?.[0];
  if ((first !== 0 && first !== 1) || rows.some(([label], index) => label !== index + first)) return undefined;
  return { file: source.called(file), names: rows.map(([, code]) => String.fromCharCode(code as number)), first };
}

export const idx = datasetFormat({
  name: 'idx',
  description: "MNIST's IDX files under their original names, Kaggle's or EMNIST's, gzipped or not",
  holds: 'images',
  settings,
  recognises: (source) => partsOf(source).some(({ what }) => what === 'images'),
  read,
});
