/** A small data set of each format, made for a test: two classes that can be told apart. */
import { gzipSync } from 'node:zlib';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tone, wavBytes } from '../../../support/wav.ts';
import { npyBytes } from './npy.ts';

type Cleaning = Parameters<typeof temporaryFolder>[0];

/** By the format's name: the study's section without it. */
const SETTINGS: Readonly<Record<string, (t: Cleaning) => object | Promise<object>>> = {
  'synthetic-images': () => ({ classes: 2, samples: 400, imageSize: 12, channels: 1 }),
  'image-folder': async (t) => ({ path: temporaryFolder(t, await pictures()) }),
  idx: (t) => ({ path: temporaryFolder(t, idxFiles()) }),
  'cifar10-binary': (t) => ({
    path: temporaryFolder(t, { 'data_batch_1.bin': batch(60, 1), 'test_batch.bin': batch(10, 1) }),
  }),
  'cifar100-binary': (t) => ({ path: temporaryFolder(t, { 'train.bin': batch(60, 2), 'test.bin': batch(10, 2) }) }),
  'numpy-images': (t) => ({ path: `${temporaryFolder(t, { 'bars.npz': npz() })}/bars.npz` }),
  'csv-images': (t) => ({ path: `${temporaryFolder(t, { 'x.csv': barRows() })}/x.csv` }),
  'speech-commands': (t) => ({ path: tones(t) }),
  'ag-news-csv': (t) => ({ path: sentences(t) }),
  'csv-texts': (t) => ({
    path: `${temporaryFolder(t, { 'x.tsv': `label\ttext\n${TEXTS.map(({ label, text }) => `${label}\t${text}`).join('\n')}` })}/x.tsv`,
  }),
  'jsonl-texts': (t) => ({
    path: `${temporaryFolder(t, { 'x.jsonl': TEXTS.map((each) => JSON.stringify(each)).join('\n') })}/x.jsonl`,
  }),
};

/** @throws {Error} for a format of which none is made here yet */
export async function smallDataset(t: Cleaning, format: string): Promise<DatasetSpec> {
  const settings = SETTINGS[format];
  if (!settings) throw new Error(`make a small data set of format ${format} in test/coordinator/training/support`);
  return { format, ...(await settings(t)) };
}

/** Grey pictures of 4 × 4 whose upper half is bright in class 0 and dark in class 1, no two alike. */
export const BARS = Array.from({ length: 200 }, (_, i) => {
  const label = i % 2;
  const pixels = Array.from({ length: 16 }, (_, at) => (at < 8 === (label === 0) ? 200 + (i % 50) : at + (i % 7) * 3));
  pixels[15] = i;
  return { label, pixels };
});

export function idxFile(dims: number[], data: number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(0x0800 + dims.length, 0);
  for (const [i, length] of dims.entries()) header.writeUInt32BE(length, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(data)]);
}

type Bars = typeof BARS;
const imagesOf = (bars: Bars) =>
  idxFile(
    [bars.length, 4, 4],
    bars.flatMap(({ pixels }) => pixels),
  );
const labelsOf = (bars: Bars) =>
  idxFile(
    [bars.length],
    bars.map(({ label }) => label),
  );

export function idxFiles(): Record<string, Buffer> {
  return {
    'train-images-idx3-ubyte': imagesOf(BARS.slice(0, 160)),
    'train-labels-idx1-ubyte': labelsOf(BARS.slice(0, 160)),
    't10k-images-idx3-ubyte.gz': gzipSync(imagesOf(BARS.slice(160))),
    't10k-labels-idx1-ubyte': labelsOf(BARS.slice(160)),
  };
}

/** Records of one colour for each class. */
function batch(count: number, labelBytes: number): Buffer {
  const record = (label: number, value: number) =>
    Buffer.concat([Buffer.alloc(labelBytes, label), Buffer.alloc(3072, value)]);
  return Buffer.concat(Array.from({ length: count }, (_, i) => record(i % 2, 100 * (i % 2) + (i % 7))));
}

export function barRows(separator = ','): string {
  return BARS.map(({ label, pixels }) => [...pixels, label].join(separator)).join('\n');
}

function npz(): Uint8Array {
  return zipSync({
    'x.npy': npyBytes(
      '|u1',
      [BARS.length, 4, 4],
      BARS.flatMap(({ pixels }) => pixels),
    ),
    'y.npy': npyBytes(
      '<i8',
      [BARS.length],
      BARS.map(({ label }) => label),
    ),
  });
}

/** PNG files in a folder for each class. */
export async function pictures(count = 30): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (const [i, { label, pixels }] of BARS.slice(0, 2 * count).entries())
    files[`${label === 0 ? 'above' : 'below'}/${i}.png`] = await sharp(Uint8Array.from(pixels), {
      raw: { width: 4, height: 4, channels: 1 },
    })
      .toColourspace('b-w')
      .png()
      .toBuffer();
  return files;
}

/** Two words: tones below and above 1 kHz. */
function tones(t: Cleaning): string {
  const names: string[] = [];
  const files: Record<string, Uint8Array> = {};
  for (const [word, base] of [
    ['high', 1200],
    ['low', 500],
  ] as const) {
    for (let i = 0; i < 60; i++) {
      const name = `${word}/${i}.wav`;
      files[name] = wavBytes(tone(base + 5 * i, 0.2 + (i % 5) / 10));
      names.push(name);
    }
  }
  const every = (remainder: number) => names.filter((_, i) => i % 4 === remainder).join('\n');
  return temporaryFolder(t, { ...files, 'validation_list.txt': every(0), 'testing_list.txt': every(1) });
}

const WORDS = [
  ['goal', 'match', 'team', 'coach'],
  ['market', 'shares', 'profit', 'bank'],
];
/** Sport and business. */
export const TEXTS = Array.from({ length: 400 }, (_, i) => {
  const own = WORDS[i % 2] as string[];
  return { label: ['sport', 'business'][i % 2], text: `the ${own[i % 4]} of ${own[(i + 1) % 4]} and day ${i}` };
});

function sentences(t: Cleaning): string {
  const rows = (from: number, to: number) =>
    TEXTS.slice(from, to)
      .map(({ text }, i) => `"${1 + ((from + i) % 2)}","${text}","what ""they"" say"\n`)
      .join('');
  return temporaryFolder(t, {
    'train.csv': rows(0, 380),
    'test.csv': rows(380, 400),
    'classes.txt': 'sport\nbusiness\n',
  });
}
