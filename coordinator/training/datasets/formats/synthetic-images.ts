/**
 * Images that EdgeTune draws itself, for demos and tests without a download: a striped shape of random colour, place and
 * size on a random background, under noise. The class is the pair of shape and stripe direction, so that colour and
 * place say nothing and a network needs some depth and width to tell the classes apart.
 */

import { keyedRandom32, type Random } from '@edgetune/shared/math/random.ts';
import { z } from 'zod';
import type { RawData, RawSplit } from '../data-kinds.ts';
import { datasetFormat } from '../dataset-format.ts';

const syntheticSettings = z.object({
  classes: z.int().min(2).max(20).default(8).describe('pairs of shape and stripes'),
  samples: z
    .int()
    .min(64)
    .max(100_000)
    .default(2000)
    .describe('images in all, of which 30 % are for validation and testing'),
  imageSize: z.int().min(8).max(64).default(16).describe('pixels of a side'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .default(3)
    .describe('1: grey, 3: colour'),
  seed: z.int().default(1).describe('another seed draws other images'),
});
type SyntheticSpec = z.output<typeof syntheticSettings>;

const SHAPES = ['disc', 'cross', 'ring', 'square', 'triangle'] as const;
const STRIPES = ['horizontal', 'vertical', 'rising', 'falling'] as const;
/** Standard deviation of the noise, in units of the full brightness. */
const NOISE = 0.12;

/** Classes in label order: up to 20 pairs of shape and stripes. */
export function syntheticClasses(count: number): string[] {
  return Array.from(
    { length: count },
    (_, label) => `${STRIPES[label % STRIPES.length]} ${SHAPES[Math.floor(label / STRIPES.length)]}`,
  );
}

export function drawSyntheticImages(spec: SyntheticSpec): RawData<'images'> {
  const { classes, samples, imageSize, channels, seed } = spec;
  const draw = (count: number, key: number) => drawSplit(spec, count, keyedRandom32(seed, key));
  const held = Math.max(classes, Math.round(samples * 0.15));
  return {
    height: imageSize,
    width: imageSize,
    channels,
    preparation: [],
    classNames: { file: 'the format', names: syntheticClasses(classes), first: 0 },
    train: draw(samples - 2 * held, 1),
    validation: draw(held, 2),
    test: draw(held, 3),
  };
}

function drawSplit(
  { classes, imageSize, channels }: SyntheticSpec,
  count: number,
  random: Random,
): RawSplit<Uint8Array> {
  const size = imageSize * imageSize * channels;
  const split = { values: new Uint8Array(count * size), labels: new Array<number>(count) };
  for (let sample = 0; sample < count; sample++) {
    const label = sample % classes;
    split.labels[sample] = label;
    drawImage(split.values.subarray(sample * size, (sample + 1) * size), label, imageSize, channels, random);
  }
  return split;
}

function drawImage(pixels: Uint8Array, label: number, size: number, channels: number, random: Random): void {
  const shape = SHAPES[Math.floor(label / STRIPES.length)] as (typeof SHAPES)[number];
  const stripes = STRIPES[label % STRIPES.length] as (typeof STRIPES)[number];
  const radius = size * (0.3 + 0.15 * random.uniform());
  const [centreX, centreY] = [
    radius + random.uniform() * (size - 2 * radius),
    radius + random.uniform() * (size - 2 * radius),
  ];
  const wavelength = size * (0.2 + 0.08 * random.uniform());
  const phase = random.uniform() * 2 * Math.PI;
  const colour = (low: number, high: number) =>
    Array.from({ length: channels }, () => low + random.uniform() * (high - low));
  const [bright, dark, background] = [colour(0.6, 1), colour(0.25, 0.6), colour(0, 0.4)];
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [dx, dy] = [(x - centreX) / radius, (y - centreY) / radius];
      const wave = Math.sin((2 * Math.PI * along(stripes, x, y)) / wavelength + phase) > 0;
      const paint = isInside(shape, dx, dy) ? (wave ? bright : dark) : background;
      for (let channel = 0; channel < channels; channel++, at++) {
        pixels[at] = Math.max(
          0,
          Math.min(255, Math.round(255 * ((paint[channel] as number) + NOISE * random.normal()))),
        );
      }
    }
  }
}

/** Position across the stripes. */
function along(stripes: (typeof STRIPES)[number], x: number, y: number): number {
  if (stripes === 'horizontal') return y;
  if (stripes === 'vertical') return x;
  return (stripes === 'rising' ? x + y : x - y) * Math.SQRT1_2;
}

function isInside(shape: (typeof SHAPES)[number], dx: number, dy: number): boolean {
  const distance = Math.hypot(dx, dy);
  switch (shape) {
    case 'disc':
      return distance <= 1;
    case 'square':
      return Math.abs(dx) <= 0.85 && Math.abs(dy) <= 0.85;
    case 'ring':
      return distance <= 1 && distance >= 0.5;
    case 'cross':
      return Math.max(Math.abs(dx), Math.abs(dy)) <= 1 && Math.min(Math.abs(dx), Math.abs(dy)) <= 0.33;
    case 'triangle':
      return dy <= 0.8 && dy >= -1 && Math.abs(dx) <= (dy + 1) / 1.8;
  }
}

export const syntheticImages = datasetFormat({
  name: 'synthetic-images',
  description: 'drawn by EdgeTune itself: good for a try, the results are marked as synthetic',
  holds: 'images',
  settings: syntheticSettings,
  read: ({ settings }) => drawSyntheticImages(settings),
});
