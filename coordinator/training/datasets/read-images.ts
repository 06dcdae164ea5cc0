/** A data set of images, by its format. The last one read stays in memory: trials of one study share it. */
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { DatasetError } from '../training-service.ts';
import { readCifar10 } from './cifar10.ts';
import { readCsvImages } from './csv-images.ts';
import { readIdx } from './idx.ts';
import { type ImageDataset, type RawImages, toDataset } from './image-dataset.ts';
import { drawSyntheticImages } from './synthetic-images.ts';

/** Fewer images than this in the training split teach nothing. */
const FEWEST_IMAGES = 32;

let last: { key: string; dataset: ImageDataset } | null = null;

/** @throws {DatasetError} where a file is missing or damaged, or the format holds no images */
export function readImages(spec: DatasetSpec): ImageDataset {
  const key = JSON.stringify(spec);
  if (last?.key !== key) last = { key, dataset: checked(toDataset(readRaw(spec))) };
  return last.dataset;
}

function readRaw(spec: DatasetSpec): RawImages {
  switch (spec.format) {
    case 'synthetic-images':
      return drawSyntheticImages(spec);
    case 'idx':
      return readIdx(spec.path);
    case 'cifar10-binary':
      return readCifar10(spec.path);
    case 'csv-images':
      return readCsvImages(spec);
    default:
      throw new DatasetError(
        `a data set of format ${spec.format} holds no images: an image classifier needs synthetic-images, idx, cifar10-binary or csv-images`,
      );
  }
}

function checked(dataset: ImageDataset): ImageDataset {
  const { train, classes } = dataset;
  if (train.labels.length < FEWEST_IMAGES)
    throw new DatasetError(
      `the data set has ${train.labels.length} training images: at least ${FEWEST_IMAGES} are needed`,
    );
  if (classes.length < 2) throw new DatasetError('the data set has one class: a classifier needs two');
  return dataset;
}
