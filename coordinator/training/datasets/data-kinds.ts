/** The kinds of data that formats hold and workloads take. A new kind is one more line in `DataKinds` and in `KINDS`. */
import type { SplitName } from '../workloads/workload.ts';
import { FRAMES, MEL_BANDS } from './decode/log-mel.ts';

const SPECTROGRAM_SIZE = FRAMES * MEL_BANDS;

/** The samples of a split, one after the other, and the class of each. */
export interface Split<Values> {
  values: Values;
  labels: Uint8Array;
}

interface Splits<Values> extends Record<SplitName, Split<Values>> {
  /** Names, in the order of the labels. Each occurs somewhere. */
  classes: string[];
}

/** Pixels as bytes, sample by sample in the order rows × columns × channels. */
export interface Images extends Splits<Uint8Array> {
  height: number;
  width: number;
  /** 1: grey, 3: red, green, blue. */
  channels: number;
  /** What was done to make bytes of this size of the pictures: whoever uses the model does the same. */
  preparation: string[];
}

/** Log-mel spectrograms, one after the other: see `LogMel`. */
export interface Speech extends Splits<Float32Array> {
  sampleRateHz: number;
}

export type Texts = Splits<string[]>;

export interface DataKinds {
  images: Images;
  speech: Speech;
  texts: Texts;
}
export type DataKind = keyof DataKinds;
export type ValuesOf<Kind extends DataKind> = DataKinds[Kind]['train']['values'];

/** A class as the data name it. */
export type Label = number | string;

/** Samples as they stand in the files. */
export interface RawSplit<Values> {
  values: Values;
  labels: readonly Label[];
  /** Where each sample comes from, for people: "train/cat/3.png". Absent: by its number. */
  origins?: readonly string[];
}

/** Names of classes that are numbers in the data. */
export interface ClassNames {
  /** Where they stand, for people. */
  file: string;
  names: readonly string[];
  /** The number of the first name; absent: 0, or 1 where the labels run from 1 to as many as there are names. */
  first?: 0 | 1;
}

/** What a format gives: a split that the data do not have is null, and is cut from the training samples. */
export type RawData<Kind extends DataKind> = Omit<DataKinds[Kind], 'classes' | SplitName> & {
  train: RawSplit<ValuesOf<Kind>>;
  validation: RawSplit<ValuesOf<Kind>> | null;
  test: RawSplit<ValuesOf<Kind>> | null;
  classNames?: ClassNames;
};

/** How the samples of a kind are counted, taken and compared. */
export interface KindOfData<Kind extends DataKind> {
  /** What a sample is called: "image". */
  sample: string;
  /** Fewer of these in the training split teach nothing. */
  fewest: number;
  /** Entries of `values` that make a sample. */
  size(data: Omit<DataKinds[Kind], 'classes' | SplitName>): number;
  take(values: ValuesOf<Kind>, indices: ArrayLike<number>, size: number): ValuesOf<Kind>;
  joined(parts: readonly ValuesOf<Kind>[]): ValuesOf<Kind>;
  /** What makes two samples the same. */
  bytesOf(values: ValuesOf<Kind>, index: number, size: number): Uint8Array;
  /** What is said of samples that say nothing, such as "of one colour"; null: this one says something. */
  emptiness(values: ValuesOf<Kind>, index: number, size: number): string | null;
  /** Of all values, in words; null: there is nothing to say. */
  range(values: ValuesOf<Kind>): string | null;
}

const viewOf = (array: Uint8Array | Float32Array, index: number, size: number) => {
  const width = array.BYTES_PER_ELEMENT;
  return new Uint8Array(array.buffer, array.byteOffset + index * size * width, size * width);
};

const isConstant = (array: Uint8Array | Float32Array, index: number, size: number) => {
  const first = array[index * size];
  for (let i = index * size + 1; i < (index + 1) * size; i++) if (array[i] !== first) return false;
  return true;
};

function rangeOf(values: Uint8Array | Float32Array): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

export const KINDS: { readonly [Kind in DataKind]: KindOfData<Kind> } = {
  images: {
    sample: 'image',
    fewest: 32,
    size: ({ height, width, channels }) => height * width * channels,
    take: (values, indices, size) => takeBlocks(new Uint8Array(indices.length * size), values, indices, size),
    joined: (parts) => joinBlocks(new Uint8Array(lengthOf(parts)), parts),
    bytesOf: viewOf,
    // Each channel by itself: a sheet of one colour is as empty as a grey one.
    emptiness: (values, index, size) => (isConstant(values, index, size) ? 'of one colour' : null),
    range: (values) => `pixels from ${rangeOf(values).join(' to ')} of 255`,
  },
  speech: {
    sample: 'recording',
    fewest: 16,
    size: () => SPECTROGRAM_SIZE,
    take: (values, indices, size) => takeBlocks(new Float32Array(indices.length * size), values, indices, size),
    joined: (parts) => joinBlocks(new Float32Array(lengthOf(parts)), parts),
    bytesOf: viewOf,
    emptiness: (values, index, size) => (isConstant(values, index, size) ? 'silent' : null),
    range: () => null,
  },
  texts: {
    sample: 'text',
    fewest: 16,
    size: () => 1,
    take: (values, indices) => Array.from(indices, (index) => values[index] as string),
    joined: (parts) => parts.flat(),
    bytesOf: (values, index) => Buffer.from(values[index] as string),
    emptiness: (values, index) => (/[\p{L}\p{N}]/u.test(values[index] as string) ? null : 'without a word'),
    range: (values) => {
      const words = values.map((text) => text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0);
      const [least, most] = rangeOf(Float32Array.from(words));
      return `texts of ${least} to ${most} words`;
    },
  },
};

function lengthOf(parts: readonly { length: number }[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function joinBlocks<T extends Uint8Array | Float32Array>(joined: T, parts: readonly T[]): T {
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function takeBlocks<T extends Uint8Array | Float32Array>(
  taken: T,
  values: T,
  indices: ArrayLike<number>,
  size: number,
): T {
  for (let at = 0; at < indices.length; at++) {
    const start = (indices[at] as number) * size;
    taken.set(values.subarray(start, start + size), at * size);
  }
  return taken;
}
