/** The formats of data sets that there are. A new one is one more line here. */
import type { DatasetFormat } from './dataset-format.ts';
import { cifar10Binary, cifar100Binary } from './formats/cifar.ts';
import { csvImages } from './formats/csv-images.ts';
import { agNewsCsv, csvTexts } from './formats/csv-texts.ts';
import { idx } from './formats/idx.ts';
import { imageFolder } from './formats/image-folder.ts';
import { jsonlTexts } from './formats/jsonl-texts.ts';
import { numpyImages } from './formats/numpy-images.ts';
import { speechCommands } from './formats/speech-commands.ts';
import { syntheticImages } from './formats/synthetic-images.ts';

export const DATASET_FORMATS: readonly DatasetFormat[] = [
  syntheticImages,
  imageFolder,
  idx,
  cifar10Binary,
  cifar100Binary,
  numpyImages,
  csvImages,
  speechCommands,
  agNewsCsv,
  csvTexts,
  jsonlTexts,
];
