/** Labelled images in memory, cut into the splits of training, validation and test. */
import { keyedRandom32, shuffle } from '@edgetune/shared/math/random.ts';

/** Images as bytes, sample by sample in the order rows × columns × channels. */
export interface ImageSplit {
  pixels: Uint8Array;
  labels: Uint8Array;
}

export interface ImageDataset {
  height: number;
  width: number;
  channels: number;
  classes: string[];
  train: ImageSplit;
  validation: ImageSplit;
  test: ImageSplit;
  /** Per channel, over the training split, of pixels scaled to 0..1. */
  mean: number[];
  std: number[];
}

/** What a reader of a format finds. A split that the format does not have is null and is cut from the training images. */
export interface RawImages {
  height: number;
  width: number;
  channels: number;
  classes: string[];
  train: ImageSplit;
  validation: ImageSplit | null;
  test: ImageSplit | null;
}

/** Share of the training images that becomes a split which the format does not have. */
const CUT_FRACTION = 0.15;

/** Cuts what splits are missing, stratified by class and always in the same way, and computes the normalisation. */
export function toDataset(raw: RawImages): ImageDataset {
  const pixelsPerImage = raw.height * raw.width * raw.channels;
  let { train, validation, test } = raw;
  if (!test) [train, test] = cut(train, pixelsPerImage, 1);
  if (!validation) [train, validation] = cut(train, pixelsPerImage, 2);
  return { ...raw, train, validation, test, ...normalisationOf(train.pixels, raw.channels) };
}

function cut(split: ImageSplit, pixelsPerImage: number, seed: number): [rest: ImageSplit, part: ImageSplit] {
  const order = stratifiedOrder(split.labels, seed);
  const count = Math.max(1, Math.round(order.length * CUT_FRACTION));
  return [take(split, order.subarray(count), pixelsPerImage), take(split, order.subarray(0, count), pixelsPerImage)];
}

/**
 * A random order of the samples in which every prefix has the classes in their overall shares: the subsets for
 * different data fractions are prefixes, so that a larger fraction contains the smaller.
 */
export function stratifiedOrder(labels: Uint8Array, seed: number): Uint32Array {
  const byClass = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const indices = byClass.get(label);
    if (indices) indices.push(index);
    else byClass.set(label, [index]);
  }
  const random = keyedRandom32(seed, labels.length);
  const placed: { position: number; index: number }[] = [];
  for (const indices of byClass.values()) {
    shuffle(indices, random);
    for (const [rank, index] of indices.entries())
      placed.push({ position: (rank + random.uniform()) / indices.length, index });
  }
  return Uint32Array.from(
    placed.sort((a, b) => a.position - b.position),
    ({ index }) => index,
  );
}

function take({ pixels, labels }: ImageSplit, indices: Uint32Array, pixelsPerImage: number): ImageSplit {
  const taken = { pixels: new Uint8Array(indices.length * pixelsPerImage), labels: new Uint8Array(indices.length) };
  for (const [at, index] of indices.entries()) {
    taken.pixels.set(pixels.subarray(index * pixelsPerImage, (index + 1) * pixelsPerImage), at * pixelsPerImage);
    taken.labels[at] = labels[index] as number;
  }
  return taken;
}

function normalisationOf(pixels: Uint8Array, channels: number): { mean: number[]; std: number[] } {
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  for (const [i, pixel] of pixels.entries()) {
    const value = pixel / 255;
    sums[i % channels] = (sums[i % channels] as number) + value;
    squares[i % channels] = (squares[i % channels] as number) + value * value;
  }
  const count = pixels.length / channels;
  const mean = Array.from(sums, (sum) => sum / count);
  const std = Array.from(squares, (sum, channel) =>
    Math.sqrt(Math.max(1e-6, sum / count - (mean[channel] as number) ** 2)),
  );
  return { mean, std };
}
