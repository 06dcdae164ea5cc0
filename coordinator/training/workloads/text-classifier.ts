/**
 * Bags of words through an embedding and fully connected layers: fastText (Joulin et al., 2016,
 * https://arxiv.org/abs/1607.01759) at depth 0, a deep averaging network (Iyyer et al., 2015,
 * https://aclanthology.org/P15-1162) above. The sum of a text's word embeddings is its bag times the embedding matrix.
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Texts } from '../datasets/data-kinds.ts';
import { BUCKETS, bucketsOf } from '../datasets/hashed-words.ts';
import type { LayerFactory } from './layer-factory.ts';
import { POSSIBLE_TRAINING } from './training-parameters.ts';
import type { LoadedTask, SplitName, Workload } from './workload.ts';

/** Texts as the buckets of their words. */
type BaggedSplits = Record<SplitName, { words: Uint16Array[]; labels: Uint8Array }>;

export const textClassifier: Workload = {
  name: 'text-classifier',
  description:
    'Bags of hashed words: an embedding and fully connected layers, as in fastText and deep averaging networks.',
  takes: 'texts',
  possible: {
    model: {
      embedding: { kind: 'whole', min: 1, max: 4096 },
      depth: { kind: 'whole', min: 0, max: 64 },
    },
    ...POSSIBLE_TRAINING,
  },
  defaultSpace: {
    model: {
      embedding: { type: 'ordinal', values: [8, 16, 32, 64, 128] },
      depth: { type: 'int', min: 0, max: 2, scale: 'linear' },
    },
    training: {
      learningRate: { type: 'float', min: 5e-4, max: 2e-2, scale: 'log' },
      batchSizeTraining: { type: 'ordinal', values: [32, 64, 128] },
      weightDecay: { type: 'float', min: 1e-5, max: 1, scale: 'log' },
    },
    system: { trainingCores: { type: 'ordinal', values: [1, 2] } },
    inference: {
      batchSize: { type: 'ordinal', values: [1, 4, 16, 64] },
      threads: { type: 'ordinal', values: [1, 2, 4] },
      precision: { type: 'categorical', choices: ['float32', 'int8'] },
    },
  },
  exampleYaml: `name: news
workload: text-classifier
dataset:
  format: ag-news-csv
  path: /path/to/ag_news   # a folder with train.csv, test.csv and classes.txt
devices: [my-device]
scenario: {kind: single-stream}
objectives:
  - maximize accuracy
  - minimize latency.p50
budget: {minEpochs: 1, maxEpochs: 9, minDataFraction: 0.3, maxDataFraction: 1, reductionFactor: 3}
stop: {trials: 20}
`,
  async load(dataset): Promise<LoadedTask> {
    const { LayerFactory } = await import('./layer-factory.ts');
    const { classes } = dataset;
    const splits = bagged(dataset);
    return {
      classes,
      inputShape: [BUCKETS],
      labels: (split) => splits[split].labels,
      inputs: (split, indices) => bags(splits[split].words, indices),
      buildModel: (candidate, seed) => buildModel(new LayerFactory(seed), classes.length, candidate),
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

function bagged({ train, validation, test }: Texts): BaggedSplits {
  const bag = ({ values, labels }: typeof train) => ({ words: values.map(bucketsOf), labels });
  return { train: bag(train), validation: bag(validation), test: bag(test) };
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

function buildModel(layers: LayerFactory, classes: number, candidate: Candidate): LayersModel {
  const width = Number(candidate.embedding ?? 32);
  const input = layers.input([BUCKETS]);
  let x = layers.dense(input, width, false);
  for (let layer = 0; layer < Number(candidate.depth ?? 0); layer++) x = layers.relu(layers.dense(x, width));
  return layers.model(input, layers.dense(x, classes));
}
