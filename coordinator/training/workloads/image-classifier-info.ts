/** The image classifier as studies and pages see it. */
import type { WorkloadInfo } from './workload.ts';

export const imageClassifierInfo: WorkloadInfo = {
  name: 'image-classifier',
  description: 'Residual convolutional networks for small images, from plain to depthwise-separable blocks.',
  defaultSpace: {
    model: {
      width: { type: 'ordinal', values: [8, 12, 16, 24, 32] },
      depth: { type: 'int', min: 1, max: 3, scale: 'linear' },
      block: { type: 'categorical', choices: ['residual', 'separable'] },
    },
    training: {
      learningRate: { type: 'float', min: 5e-4, max: 2e-2, scale: 'log' },
      batchSizeTraining: { type: 'ordinal', values: [32, 64, 128] },
      weightDecay: { type: 'float', min: 1e-6, max: 1e-2, scale: 'log' },
    },
    system: { trainingCores: { type: 'ordinal', values: [1, 2] } },
    inference: {
      batchSize: { type: 'ordinal', values: [1, 2, 4, 8] },
      threads: { type: 'ordinal', values: [1, 2, 4] },
      precision: { type: 'categorical', choices: ['float32', 'int8'] },
    },
  },
  exampleYaml: `name: my first study
workload: image-classifier
dataset:
  format: synthetic-images   # or idx, cifar10-binary, csv-images with a path
devices: [my-device]
scenario: {kind: single-stream}
objectives:
  - maximize accuracy
  - minimize latency.p50
constraints:
  - latency.p99 <= 50 ms
budget: {minEpochs: 1, maxEpochs: 9, minDataFraction: 0.3, maxDataFraction: 1, reductionFactor: 3}
tuner: {mode: onefold, seed: 1}
stop: {trials: 20}
recommend: 3
`,
};
