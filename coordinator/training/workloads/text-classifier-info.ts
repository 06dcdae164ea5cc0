/** The text classifier as studies and pages see it. */
import type { WorkloadInfo } from './workload.ts';

export const textClassifierInfo: WorkloadInfo = {
  name: 'text-classifier',
  description:
    'Bags of hashed words: an embedding and fully connected layers, as in fastText and deep averaging networks.',
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
};
