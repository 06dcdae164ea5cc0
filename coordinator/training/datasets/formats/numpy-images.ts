/** Images and labels that NumPy has saved: an NPZ file, or NPY files in a folder, named as people name them. */
import { z } from 'zod';
import { DatasetError } from '../../training-service.ts';
import type { SplitName } from '../../workloads/workload.ts';
import type { Label, RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat, imageSettings, pathSetting, type Reading, splitSettings } from '../dataset-format.ts';
import { inSize, needRoom } from '../decode/image-size.ts';
import { type NumpyArray, readNpy } from '../decode/npy.ts';
import { type PixelScale, scaleOf, scaleText, toBytes } from '../decode/pixel-values.ts';
import { type Notices, some } from '../notices.ts';
import { unpacked } from '../source/archive.ts';
import type { DataSource } from '../source/data-source.ts';
import { splitNamed } from './class-folders.ts';

const IMAGES = /^(x|xs|images?|imgs?|data|features?|inputs?|pixels)$/i;
const LABELS = /^(y|ys|labels?|targets?|classes|class)$/i;
const NPY = /\.npy$/i;

const settings = z.object({
  path: pathSetting(
    'NPZ file, or folder with NPY files, of names such as x_train, y_train, x_test, y_test',
    '/path/to/mnist.npz',
  ),
  maxValue: z
    .number()
    .positive()
    .optional()
    .describe('value of a white pixel; otherwise taken from the data, and said'),
  imageSize: imageSettings.imageSize,
  ...splitSettings,
});

interface Named {
  name: string;
  array: NumpyArray;
}

type Role = { what: 'images' | 'labels'; split: SplitName };

async function read({
  settings: said,
  source,
  notices,
  limits,
}: Reading<z.output<typeof settings>>): Promise<RawData<'images'>> {
  const arrays = await arraysOf(source);
  const roles = rolesOf(source.path, arrays, notices);
  const pairs: { split: SplitName; images: Named; labels: Named }[] = [];
  for (const split of ['train', 'validation', 'test'] as const) {
    const of = (what: Role['what']) => roles.find(({ role }) => role.what === what && role.split === split)?.named;
    const [images, labels] = [of('images'), of('labels')];
    if (images && labels) pairs.push({ split, images, labels });
    else if (split === 'train')
      throw new DatasetError(
        `${source.path} has no ${images ? 'labels' : 'images'} to train on: it has ${listOf(arrays)}; expected x_train and y_train, or x and y`,
      );
    else if (images || labels)
      notices.warn(
        `${(images ?? (labels as Named)).name} has no ${images ? 'labels' : 'images'} with it and is left out`,
      );
  }
  const shape = shapeOf((pairs[0] as (typeof pairs)[number]).images, notices);
  for (const { images } of pairs) {
    const other = shapeOf(images, notices);
    if (other.height !== shape.height || other.width !== shape.width || other.channels !== shape.channels)
      throw new DatasetError(
        `${images.name} has images of ${other.width}×${other.height}×${other.channels}, those to train on are ${shape.width}×${shape.height}×${shape.channels}`,
      );
    needRoom(images.array.shape[0] as number, shape.height * shape.width * shape.channels, limits);
    needNumbers(images);
  }
  const { height, width, channels } = shape;
  const scale = scaleFor(
    pairs.map(({ images }) => images.array),
    said.maxValue,
    notices,
  );
  const splitOf = (name: SplitName): RawSplit<Uint8Array> | null => {
    const pair = pairs.find(({ split }) => split === name);
    return pair
      ? { values: pixelsOf(pair.images, shape, scale), labels: labelsOf(pair.labels, pair.images, notices) }
      : null;
  };
  const raw = {
    ...{ height, width, channels, preparation: scaleText(scale) },
    train: splitOf('train') as RawSplit<Uint8Array>,
    validation: splitOf('validation'),
    test: splitOf('test'),
  };
  return inSize(raw, said.imageSize, notices, limits);
}

async function arraysOf(source: DataSource): Promise<Named[]> {
  const called = (name: string) => (name.split('/').at(-1) as string).replace(NPY, '');
  if (source.isFile) {
    const name = source.names[0] as string;
    const bytes = await source.read(name, 'an NPZ file');
    if (NPY.test(name))
      throw new DatasetError(
        `${source.path} is one array: expected an NPZ file or a folder with two, of images and of labels`,
      );
    const entries = [...unpacked(source.path, bytes, source.limits)];
    return entries
      .filter(([entry]) => NPY.test(entry))
      .map(([entry, packed]) => ({ name: called(entry), array: readNpy(`${source.path}: ${entry}`, packed) }));
  }
  const arrays: Named[] = [];
  for (const name of source.matching(NPY)) {
    // Folders of splits, each with its x and y.
    const folder = name.split('/').at(-2);
    const prefix = folder !== undefined && splitNamed(folder) ? `${folder}_` : '';
    arrays.push({
      name: prefix + called(name),
      array: readNpy(source.called(name), await source.read(name, 'an NPY file')),
    });
  }
  return arrays;
}

/** What each array is, by its name; where names say nothing, by their shapes. @throws {DatasetError} */
function rolesOf(path: string, arrays: readonly Named[], notices: Notices): { named: Named; role: Role }[] {
  const byName = arrays.flatMap((named) => {
    const role = roleOf(named.name);
    return role ? [{ named, role }] : [];
  });
  const twice = byName.find(
    ({ role }, at) =>
      byName.findIndex((other) => other.role.what === role.what && other.role.split === role.split) !== at,
  );
  if (twice)
    throw new DatasetError(
      `${path} has several arrays for the ${twice.role.what} of the ${twice.role.split} split: ${listOf(arrays)}; leave one`,
    );
  if (byName.length > 0) return byName;
  const images = arrays.filter(({ array }) => array.shape.length >= 3);
  const labels = arrays.filter(({ array }) => array.shape.length === 1);
  const [image, label] = [images[0], labels[0]];
  if (arrays.length !== 2 || !image || !label)
    throw new DatasetError(
      `${path} has ${listOf(arrays) || 'no arrays'}: name them x_train, y_train, x_test, y_test, or x and y`,
    );
  notices.note(`"${image.name}" is taken for the images and "${label.name}" for the labels, by their shapes`);
  return [
    { named: image, role: { what: 'images', split: 'train' } },
    { named: label, role: { what: 'labels', split: 'train' } },
  ];
}

const listOf = (arrays: readonly Named[]) =>
  some(
    arrays.map(({ name, array }) => `${name} (${array.shape.join('×')})`),
    10,
  );

/** "x_train", "train_images", "X", "test-y". */
function roleOf(name: string): Role | null {
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  const split = words.map(splitNamed).find(Boolean);
  const others = words.filter((word) => splitNamed(word) === null);
  const [word] = others;
  if (others.length !== 1 || word === undefined) {
    // "xtrain", "ytest"
    const joined = name.match(/^([xy])_?(train|test|val|valid)$/i);
    return joined
      ? {
          what: /x/i.test(joined[1] as string) ? 'images' : 'labels',
          split: splitNamed(joined[2] as string) as SplitName,
        }
      : null;
  }
  if (IMAGES.test(word)) return { what: 'images', split: split ?? 'train' };
  if (LABELS.test(word)) return { what: 'labels', split: split ?? 'train' };
  return null;
}

interface Shape {
  height: number;
  width: number;
  /** 1 or 3: transparency is left out. */
  channels: number;
  /** In the file. */
  planes: number;
  isPlanar: boolean;
}

const CHANNELS = [1, 3, 4];

function shapeOf({ name, array: { shape } }: Named, notices: Notices): Shape {
  const [, a = 0, b = 0, c = 0] = shape;
  const made = (height: number, width: number, planes: number, isPlanar: boolean): Shape => {
    if (planes === 4) notices.note(`${name} has four channels: the fourth is left out`);
    return { height, width, channels: planes === 1 ? 1 : 3, planes, isPlanar };
  };
  if (shape.length === 3) return made(a, b, 1, false);
  if (shape.length === 4 && CHANNELS.includes(a) && CHANNELS.includes(c)) {
    // Images are more often square than not.
    const isFirst = b === c && a !== b;
    notices.warn(
      `${name} (${shape.join('×')}) may have its channels first or last: they are taken to be ${isFirst ? 'first' : 'last'}`,
    );
    return isFirst ? made(b, c, a, true) : made(a, b, c, false);
  }
  if (shape.length === 4 && CHANNELS.includes(c)) return made(a, b, c, false);
  if (shape.length === 4 && CHANNELS.includes(a)) return made(b, c, a, true);
  const side = Math.round(Math.sqrt(a));
  if (shape.length === 2 && side * side === a && a > 1) {
    notices.note(`${name} has rows of ${a} values: they are taken for grey images of ${side}×${side}`);
    return made(side, side, 1, false);
  }
  throw new DatasetError(
    `${name} has the shape ${shape.join('×')}: expected samples × height × width, perhaps × channels (1 or 3)`,
  );
}

function needNumbers({ name, array: { values, shape } }: Named): void {
  const size = values.length / (shape[0] as number);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw new DatasetError(
        `${name}: ${typeof values[i] === 'string' ? 'texts are no pixels' : `image ${Math.floor(i / size) + 1} holds a value that is no number (NaN or infinite): leave it out or fill it`}`,
      );
}

/** Bytes are pixels already. */
function scaleFor(arrays: readonly NumpyArray[], maxValue: number | undefined, notices: Notices): PixelScale {
  if (maxValue === undefined && arrays.every(({ values }) => values instanceof Uint8Array)) {
    const most = arrays.reduce((max, { values }) => (values as Uint8Array).reduce((a, b) => Math.max(a, b), max), 0);
    if (most > 1) return { black: 0, white: 255 };
  }
  return scaleOf(
    arrays.map(({ values }) => values as Float64Array),
    maxValue,
    notices,
  );
}

function pixelsOf(
  { array }: Named,
  { height, width, channels, planes, isPlanar }: Shape,
  scale: PixelScale,
): Uint8Array {
  const bytes = toBytes(array.values as Float64Array, scale);
  if (!isPlanar && planes === channels) return bytes;
  const pixels = height * width;
  const count = bytes.length / (pixels * planes);
  const made = new Uint8Array(count * pixels * channels);
  for (let sample = 0; sample < count; sample++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let channel = 0; channel < channels; channel++)
        made[(sample * pixels + pixel) * channels + channel] = bytes[
          sample * pixels * planes + (isPlanar ? channel * pixels + pixel : pixel * planes + channel)
        ] as number;
  return made;
}

function labelsOf({ name, array }: Named, images: Named, notices: Notices): Label[] {
  const count = images.array.shape[0] as number;
  const { shape, values } = array;
  if (shape[0] !== count)
    throw new DatasetError(`${images.name} has ${count} images, but ${name} has ${shape[0]} labels`);
  const isColumn = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!isColumn) {
    const width = shape[1] as number;
    const isOneHot =
      shape.length === 2 &&
      Array.from({ length: count }, (_, row) =>
        Array.from(values.slice(row * width, (row + 1) * width) as Float64Array),
      ).every(
        (row) => row.filter((value) => value === 1).length === 1 && row.every((value) => value === 0 || value === 1),
      );
    if (!isOneHot)
      throw new DatasetError(`${name} has the shape ${shape.join('×')}: expected one label for each image`);
    notices.note(`${name} has a column for each class: the one that is 1 is the class`);
    return Array.from({ length: count }, (_, row) =>
      (values as Float64Array).subarray(row * width, (row + 1) * width).indexOf(1),
    );
  }
  if (Array.isArray(values)) return values;
  const wrong = values.findIndex((value: number) => !Number.isInteger(value));
  if (wrong >= 0)
    throw new DatasetError(
      `${name}: the label of image ${wrong + 1} is ${values[wrong]}: expected a whole number or a text`,
    );
  return Array.from(values);
}

export const numpyImages = datasetFormat({
  name: 'numpy-images',
  description: 'images and labels saved by NumPy: an NPZ file, or NPY files in a folder',
  holds: 'images',
  settings,
  recognises: (source) => source.names.some((name) => /\.(npz|npy)$/i.test(name)),
  read,
});
