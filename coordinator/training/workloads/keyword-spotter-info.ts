/** The keyword spotter as studies and pages see it. */
import type { WorkloadInfo } from './workload.ts';

export const keywordSpotterInfo: WorkloadInfo = {
  name: 'keyword-spotter',
  description: 'Residual convolutions along time over log-mel spectrograms of one second of speech.',
  defaultSpace: {
    model: {
      width: { type: 'ordinal', values: [8, 12, 16, 24, 32] },
      depth: { type: 'int', min: 1, max: 4, scale: 'linear' },
      kernelSize: { type: 'ordinal', values: [3, 5, 9] },
    },
    training: {
      learningRate: { type: 'float', min: 5e-4, max: 2e-2, scale: 'log' },
      batchSizeTraining: { type: 'ordinal', values: [16, 32, 64] },
      weightDecay: { type: 'float', min: 1e-6, max: 1e-2, scale: 'log' },
    },
    system: { trainingCores: { type: 'ordinal', values: [1, 2] } },
    inference: {
      batchSize: { type: 'ordinal', values: [1, 2, 4] },
      threads: { type: 'ordinal', values: [1, 2, 4] },
      precision: { type: 'categorical', choices: ['float32', 'int8'] },
    },
  },
  exampleYaml: `name: keywords
workload: keyword-spotter
dataset:
  format: speech-commands
  path: /path/to/speech_commands   # a folder of WAV files per word, validation_list.txt, testing_list.txt
devices: [my-device]
scenario: {kind: single-stream}
objectives:
  - maximize accuracy
  - minimize latency.p50
budget: {minEpochs: 3, maxEpochs: 27, minDataFraction: 1, maxDataFraction: 1, reductionFactor: 3}
stop: {trials: 20}
`,
};
