/** A data set that was read, for people: counts, notices, some samples to look at. */
import type { DatasetEvidence, DatasetReport, DatasetSample } from '@edgetune/shared/domain/dataset-report.ts';
import type { SplitName } from '../workloads/workload.ts';
import type { DataKind, DataKinds, Split } from './data-kinds.ts';
import { FRAMES, MEL_BANDS } from './decode/log-mel.ts';
import type { ReadDataset } from './read-dataset.ts';

/** So many classes are shown, and so many samples of each. */
const SHOWN_CLASSES = 12;
const SHOWN_EACH = 4;
const TEXT_LENGTH = 160;
/** Pixels of the longer side of a sample that is shown. */
const SHOWN_SIDE = 96;

const SHAPES: { [Kind in DataKind]: (data: DataKinds[Kind]) => string } = {
  images: ({ width, height, channels }) => `${width}×${height} pixels, ${channels === 1 ? 'grey' : 'colour'}`,
  speech: ({ sampleRateHz }) =>
    `one second at ${sampleRateHz.toLocaleString('en')} Hz, as ${FRAMES}×${MEL_BANDS} log-mel energies`,
  texts: () => 'a text, as a bag of its words',
};

export function evidenceOf({
  holds,
  dataset,
  isFormatFound,
  identity,
  finished,
  notices,
}: ReadDataset): DatasetEvidence {
  const shapeOf = SHAPES[holds] as (data: DataKinds[DataKind]) => string;
  const { data, byClass, cut, range, duplicates } = finished;
  return {
    format: dataset.format,
    isFormatFound,
    sha256: identity.sha256,
    files: identity.files.length,
    bytes: identity.bytes,
    classes: data.classes,
    samplesByClass: byClass,
    cut,
    shape: shapeOf(data),
    range,
    duplicates,
    notices: notices.list,
  };
}

/** With samples of as many classes as can be looked at. */
export async function reportOf(read: ReadDataset): Promise<DatasetReport> {
  const samples: DatasetSample[] = [];
  const { classes, train } = read.finished.data;
  for (const label of classes.keys()) {
    if (label >= SHOWN_CLASSES) break;
    const split = splitWith(read, label);
    const { labels } = split === 'train' ? train : read.finished.data[split];
    const indices = [...labels.keys()].filter((index) => labels[index] === label).slice(0, SHOWN_EACH);
    for (const index of indices)
      samples.push({
        split,
        label: classes[label] as string,
        origin: read.finished.origins[split]?.[index] ?? `${split} sample ${index + 1}`,
        ...(await shownOf(read, split, index)),
      });
  }
  return { ...evidenceOf(read), dataset: read.dataset, holds: read.holds, samples };
}

/** Where a class is: in the training split, unless no sample of it is there. */
function splitWith({ finished: { byClass } }: ReadDataset, label: number): SplitName {
  return (['train', 'validation', 'test'] as const).find((split) => (byClass[split][label] ?? 0) > 0) ?? 'train';
}

async function shownOf(read: ReadDataset, split: SplitName, index: number): Promise<{ png?: string; text?: string }> {
  switch (read.holds) {
    case 'texts': {
      const text = read.finished.data[split].values[index] as string;
      return { text: text.length > TEXT_LENGTH ? `${text.slice(0, TEXT_LENGTH)}…` : text };
    }
    case 'images': {
      const { height, width, channels } = read.finished.data;
      const size = height * width * channels;
      return pngOfPixels(read.finished.data[split].values.subarray(index * size, (index + 1) * size), {
        height,
        width,
        channels,
      });
    }
    case 'speech':
      return pngOfPixels(spectrogramPixels(read.finished.data[split], index), {
        width: FRAMES,
        height: MEL_BANDS,
        channels: 1,
      });
  }
}

async function pngOfPixels(
  pixels: Uint8Array,
  size: { width: number; height: number; channels: number },
): Promise<{ png: string }> {
  const { pngOf } = await import('./decode/pictures.ts');
  const scale = SHOWN_SIDE / Math.max(size.width, size.height);
  const shown = {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
  return { png: Buffer.from(await pngOf(pixels, size, shown)).toString('base64') };
}

/** Time to the right, low tones at the bottom, loud is bright. */
function spectrogramPixels({ values }: Split<Float32Array>, index: number): Uint8Array {
  const own = values.subarray(index * FRAMES * MEL_BANDS, (index + 1) * FRAMES * MEL_BANDS);
  const [least, most] = [Math.min(...own), Math.max(...own)];
  const pixels = new Uint8Array(own.length);
  for (let frame = 0; frame < FRAMES; frame++)
    for (let band = 0; band < MEL_BANDS; band++)
      pixels[(MEL_BANDS - 1 - band) * FRAMES + frame] = Math.round(
        (255 * ((own[frame * MEL_BANDS + band] as number) - least)) / (most - least || 1),
      );
  return pixels;
}
