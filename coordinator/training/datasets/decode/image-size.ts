/** The size that images are trained in: what the study says, or their own. */
import { DatasetError } from '../../training-service.ts';
import type { RawData, RawSplit } from '../data-kinds.ts';
import type { Notices } from '../notices.ts';
import { type Limits, sizeText } from '../source/limits.ts';
import { resizePixels } from './pictures.ts';

/** Images of one size are left as they are up to this many pixels a side. */
export const LARGEST_OWN = 128;
/** Where they have several sizes, or a larger one, and the study says nothing. */
export const USUAL_SIZE = 64;

/** @throws {DatasetError} where so many samples would not fit */
export function needRoom(samples: number, bytesEach: number, { sampleBytes }: Pick<Limits, 'sampleBytes'>): void {
  const needed = samples * bytesEach;
  if (needed > sampleBytes)
    throw new DatasetError(
      `${samples.toLocaleString('en')} samples of ${sizeText(bytesEach)} would need ${sizeText(needed)} of memory in every training process, at most ${sizeText(sampleBytes)} can be had: use a smaller imageSize or fewer samples`,
    );
}

export const resizeText = ({ width, height }: { width: number; height: number }) =>
  `resize to ${width}×${height} pixels, whatever the proportions`;

/** Images in memory as the study wants them. */
export async function inSize(
  raw: RawData<'images'>,
  imageSize: number | undefined,
  notices: Notices,
  limits: Pick<Limits, 'sampleBytes'>,
): Promise<RawData<'images'>> {
  const { height, width, channels } = raw;
  if (imageSize === undefined || (imageSize === height && imageSize === width)) return raw;
  const to = { width: imageSize, height: imageSize };
  const count = [raw.train, raw.validation, raw.test].reduce((sum, split) => sum + (split?.labels.length ?? 0), 0);
  needRoom(count, imageSize * imageSize * channels, limits);
  notices.note(`the images of ${width}×${height} pixels are resized to ${imageSize}×${imageSize}`);
  const resize = async (split: RawSplit<Uint8Array>): Promise<RawSplit<Uint8Array>> => {
    const [from, size] = [height * width * channels, imageSize * imageSize * channels];
    const values = new Uint8Array(split.labels.length * size);
    for (let index = 0; index < split.labels.length; index++)
      values.set(
        await resizePixels(split.values.subarray(index * from, (index + 1) * from), { width, height, channels }, to),
        index * size,
      );
    return { ...split, values };
  };
  return {
    ...raw,
    ...to,
    preparation: [...raw.preparation, resizeText(to)],
    train: await resize(raw.train),
    validation: raw.validation && (await resize(raw.validation)),
    test: raw.test && (await resize(raw.test)),
  };
}
