/**
 * Keywords in one second of speech: TC-ResNet, which slides along time and takes the mel bands as channels (Choi et al.,
 * "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices", 2019, https://arxiv.org/abs/1904.03814). The
 * spectrogram is computed outside of the network.
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { FRAMES, HOP_MS, LOG_OFFSET, MEL_BANDS, WINDOW_MS } from '../datasets/decode/log-mel.ts';
import type { LayerFactory } from './layer-factory.ts';
import { POSSIBLE_TRAINING } from './training-parameters.ts';
import type { LoadedTask, Workload } from './workload.ts';

const SIZE = FRAMES * MEL_BANDS;

export const keywordSpotter: Workload = {
  name: 'keyword-spotter',
  description: 'Residual convolutions along time over log-mel spectrograms of one second of speech.',
  takes: 'speech',
  possible: {
    model: {
      width: { kind: 'whole', min: 1, max: 1024 },
      depth: { kind: 'whole', min: 1, max: 64 },
      kernelSize: { kind: 'whole', min: 1, max: FRAMES },
    },
    ...POSSIBLE_TRAINING,
  },
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
  path: /path/to/speech_commands   # a folder of WAV files per word; validation_list.txt and testing_list.txt where there are
devices: [my-device]
scenario: {kind: single-stream}
objectives:
  - maximize accuracy
  - minimize latency.p50
budget: {minEpochs: 3, maxEpochs: 27, minDataFraction: 1, maxDataFraction: 1, reductionFactor: 3}
stop: {trials: 20}
`,
  async load(dataset): Promise<LoadedTask> {
    const { LayerFactory } = await import('./layer-factory.ts');
    const { classes, sampleRateHz } = dataset;
    const { mean, std } = momentsOf(dataset.train.values);
    return {
      classes,
      inputShape: [FRAMES, 1, MEL_BANDS],
      labels: (split) => dataset[split].labels,
      inputs: (split, indices) => normalised(dataset[split].values, mean, std, indices),
      buildModel: (candidate, seed) => buildModel(new LayerFactory(seed), classes.length, candidate),
      metadata: {
        'edgetune.input.layout': 'NCHW (mel bands, frames, 1)',
        'edgetune.audio.sampleRateHz': String(sampleRateHz),
        'edgetune.audio.frames': String(FRAMES),
        'edgetune.audio.melBands': String(MEL_BANDS),
        'edgetune.normalisation.mean': JSON.stringify([mean]),
        'edgetune.normalisation.std': JSON.stringify([std]),
        'edgetune.preprocessing': [
          'centre one second of mono samples in [-1, 1), padded with zeros;',
          `Hann windows of ${WINDOW_MS} ms every ${HOP_MS} ms; |FFT|²/size, padded to a power of two;`,
          `${MEL_BANDS} triangles of height 1 on the mel scale (2595·log10(1+f/700)) from 0 Hz to half the sample rate;`,
          `ln(energy + ${LOG_OFFSET}); subtract the mean, divide by the standard deviation`,
        ].join(' '),
      },
    };
  },
};

/** Over all values of the training spectrograms. */
function momentsOf(values: Float32Array): { mean: number; std: number } {
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return { mean, std: Math.sqrt(Math.max(1e-6, squares / values.length - mean * mean)) };
}

function normalised(spectrograms: Float32Array, mean: number, std: number, indices: ArrayLike<number>): Float32Array {
  const values = new Float32Array(indices.length * SIZE);
  for (let sample = 0; sample < indices.length; sample++) {
    const start = (indices[sample] as number) * SIZE;
    for (let i = 0; i < SIZE; i++) values[sample * SIZE + i] = ((spectrograms[start + i] as number) - mean) / std;
  }
  return values;
}

/** `depth` residual blocks; each halves the frames. */
function buildModel(layers: LayerFactory, classes: number, candidate: Candidate): LayersModel {
  const width = Number(candidate.width ?? 24);
  const depth = Number(candidate.depth ?? 3);
  const kernelSize = Number(candidate.kernelSize ?? 5);
  const input = layers.input([FRAMES, 1, MEL_BANDS]);
  let x = layers.relu(layers.convolution(input, width, [3, 1], 1));
  for (let block = 0; block < depth; block++) {
    const filters = width * (block + 1);
    const inner = layers.relu(layers.convolution(x, filters, [kernelSize, 1], 2));
    x = layers.relu(layers.add(layers.convolution(inner, filters, [kernelSize, 1], 1), layers.shortcut(x, filters, 2)));
  }
  return layers.model(input, layers.classify(x, classes));
}
