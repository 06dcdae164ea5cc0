/** The formats of data sets that there are. A new one is one more line here. */
import { agNewsCsv } from './ag-news.ts';
import { cifar10Binary } from './cifar10.ts';
import { csvImages } from './csv-images.ts';
import type { DatasetFormat } from './dataset-format.ts';
import { idx } from './idx.ts';
import { speechCommands } from './speech-commands.ts';
import { syntheticImages } from './synthetic-images.ts';

export const DATASET_FORMATS: readonly DatasetFormat[] = [
  syntheticImages,
  idx,
  cifar10Binary,
  csvImages,
  speechCommands,
  agNewsCsv,
];
