/**
 * Bags of words through an embedding and fully connected layers: fastText (Joulin et al., 2016,
 * https://arxiv.org/abs/1607.01759) at depth 0, a deep averaging network (Iyyer et al., 2015,
 * https://aclanthology.org/P15-1162) above. The sum of a text's word embeddings is its bag times the embedding matrix.
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import * as tfl from '@tensorflow/tfjs-layers';
import { readAgNews } from '../datasets/ag-news.ts';
import { BUCKETS, bucketsOf } from '../datasets/hashed-words.ts';
import { DatasetError } from '../training-service.ts';
import { LayerFactory } from './layer-factory.ts';
import { textClassifierInfo } from './text-classifier-info.ts';
import type { LoadedTask, SplitName, Workload } from './workload.ts';

interface BaggedTexts {
  classes: string[];
  splits: Record<SplitName, { words: Uint16Array[]; labels: Uint8Array }>;
}

/** The last data set read: trials of one study share it. */
let last: { path: string; texts: BaggedTexts } | null = null;

export const textClassifier: Workload = {
  ...textClassifierInfo,
  load(spec): LoadedTask {
    const { classes, splits } = readTexts(spec);
    return {
      classes,
      inputShape: [BUCKETS],
      labels: (split) => splits[split].labels,
      inputs: (split, indices) => bags(splits[split].words, indices),
      buildModel: (candidate, seed) => buildModel(classes.length, candidate, seed),
      metadata: {
        'edgetune.input.layout': 'NC',
        'edgetune.text.buckets': String(BUCKETS),
        'edgetune.preprocessing': [
          'split the text in lower case into runs of letters and digits;',
          `add 1 at index FNV-1a-32(UTF-8 of the word) mod ${BUCKETS} for each;`,
          'divide by the square root of the number of words',
        ].join(' '),
      },
    };
  },
};

function readTexts(spec: DatasetSpec): BaggedTexts {
  if (spec.format !== 'ag-news-csv')
    throw new DatasetError(`a data set of format ${spec.format} holds no texts: a text classifier needs ag-news-csv`);
  if (last?.path !== spec.path) {
    const { classes, train, validation, test } = readAgNews(spec.path);
    const bagged = ({ texts, labels }: typeof train) => ({ words: texts.map(bucketsOf), labels });
    const splits = { train: bagged(train), validation: bagged(validation), test: bagged(test) };
    last = { path: spec.path, texts: { classes, splits } };
  }
  return last.texts;
}

/** The root keeps the values of long and short texts at one scale. */
function bags(texts: readonly Uint16Array[], indices: ArrayLike<number>): Float32Array {
  const values = new Float32Array(indices.length * BUCKETS);
  for (let sample = 0; sample < indices.length; sample++) {
    const words = texts[indices[sample] as number] as Uint16Array;
    const share = 1 / Math.sqrt(Math.max(1, words.length));
    for (const bucket of words) {
      const at = sample * BUCKETS + bucket;
      values[at] = (values[at] as number) + share;
    }
  }
  return values;
}

function buildModel(classes: number, candidate: Candidate, seed: number): tfl.LayersModel {
  const layers = new LayerFactory(seed);
  const width = Number(candidate.embedding ?? 32);
  const input = tfl.input({ shape: [BUCKETS] });
  let x = layers.dense(input, width, false);
  for (let layer = 0; layer < Number(candidate.depth ?? 0); layer++) x = layers.relu(layers.dense(x, width));
  return tfl.model({ inputs: input, outputs: layers.dense(x, classes) });
}
