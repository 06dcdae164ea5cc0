/** A small data set of each format, made for a test: two classes that can be told apart. */
import { gzipSync } from 'node:zlib';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { tone, wavBytes } from '../../../support/wav.ts';

type Cleaning = Parameters<typeof temporaryFolder>[0];

/** By the format's name: the study's section without it. */
const SETTINGS: Readonly<Record<string, (t: Cleaning) => object>> = {
  'synthetic-images': () => ({ classes: 2, samples: 400, imageSize: 12, channels: 1 }),
  idx: (t) => ({ path: idxFolder(t) }),
  'cifar10-binary': (t) => ({ path: cifarFolder(t) }),
  'csv-images': (t) => ({ path: csvFile(t), width: 2, height: 1, maxValue: 16 }),
  'speech-commands': (t) => ({ path: tones(t) }),
  'ag-news-csv': (t) => ({ path: sentences(t) }),
};

/** @throws {Error} for a format of which none is made here yet */
export function smallDataset(t: Cleaning, format: string): DatasetSpec {
  const settings = SETTINGS[format];
  if (!settings) throw new Error(`make a small data set of format ${format} in test/coordinator/training/support`);
  return { format, ...settings(t) };
}

/** Pairs of pixels: class 0 is bright on the left, class 1 on the right. */
const PAIRS = Array.from({ length: 200 }, (_, i) => {
  const [label, bright, dark] = [i % 2, 12 + (i % 5), i % 4];
  return { label, pixels: label === 0 ? [bright, dark] : [dark, bright] };
});

function idxFolder(t: Cleaning): string {
  const file = (dims: number[], data: number[]) => {
    const header = Buffer.alloc(4 + 4 * dims.length);
    header.writeUInt32BE(0x0800 + dims.length, 0);
    for (const [i, length] of dims.entries()) header.writeUInt32BE(length, 4 + 4 * i);
    return Buffer.concat([header, Buffer.from(data)]);
  };
  const images = (pairs: typeof PAIRS) =>
    file(
      [pairs.length, 1, 2],
      pairs.flatMap(({ pixels }) => pixels),
    );
  const labels = (pairs: typeof PAIRS) =>
    file(
      [pairs.length],
      pairs.map(({ label }) => label),
    );
  return temporaryFolder(t, {
    'train-images-idx3-ubyte': images(PAIRS),
    'train-labels-idx1-ubyte': labels(PAIRS),
    't10k-images-idx3-ubyte.gz': gzipSync(images(PAIRS.slice(0, 40))),
    't10k-labels-idx1-ubyte': labels(PAIRS.slice(0, 40)),
  });
}

/** One colour for each class. */
function cifarFolder(t: Cleaning): string {
  const record = (label: number, value: number) => Buffer.concat([Buffer.of(label), Buffer.alloc(3072, value)]);
  const batch = (count: number) =>
    Buffer.concat(Array.from({ length: count }, (_, i) => record(i % 2, 100 * (i % 2) + (i % 7))));
  return temporaryFolder(t, { 'data_batch_1.bin': batch(60), 'test_batch.bin': batch(10) });
}

function csvFile(t: Cleaning): string {
  const rows = PAIRS.map(({ label, pixels }) => [...pixels, label].join(','));
  return `${temporaryFolder(t, { 'x.csv': rows.join('\n') })}/x.csv`;
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

/** Sport and business. */
function sentences(t: Cleaning): string {
  const words = [
    ['goal', 'match', 'team', 'coach'],
    ['market', 'shares', 'profit', 'bank'],
  ];
  const rows = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const own = words[i % 2] as string[];
      return `"${1 + (i % 2)}","the ${own[i % 4]}","of ${own[(i + 1) % 4]} and day ${i}"\n`;
    }).join('');
  return temporaryFolder(t, { 'train.csv': rows(400), 'test.csv': rows(20) });
}
