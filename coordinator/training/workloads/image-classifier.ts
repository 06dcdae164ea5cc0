/**
 * A family of residual networks (He et al., 2016, https://arxiv.org/abs/1512.03385) with, as an alternative block,
 * depthwise-separable convolutions (Howard et al., 2017, https://arxiv.org/abs/1704.04861).
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs-layers';
import type { Images } from '../datasets/data-kinds.ts';
import type { LayerFactory } from './layer-factory.ts';
import { POSSIBLE_TRAINING } from './training-parameters.ts';
import type { LoadedTask, Workload } from './workload.ts';

type Tensor = SymbolicTensor;

/** Per channel, over the training split, of pixels scaled to 0..1. */
interface Normalisation {
  mean: number[];
  std: number[];
}

export const imageClassifier: Workload = {
  name: 'image-classifier',
  description: 'Residual convolutional networks for small images, from plain to depthwise-separable blocks.',
  takes: 'images',
  possible: {
    model: {
      width: { kind: 'whole', min: 1, max: 1024 },
      depth: { kind: 'whole', min: 1, max: 64 },
      block: { kind: 'choice', values: ['residual', 'separable'] },
    },
    ...POSSIBLE_TRAINING,
  },
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
  format: synthetic-images   # drawn by EdgeTune; "edgetune study run --help" lists the formats
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
  async load(dataset): Promise<LoadedTask> {
    const { LayerFactory } = await import('./layer-factory.ts');
    const { height, width, channels, classes, preparation } = dataset;
    const normalisation = normalisationOf(dataset.train.values, channels);
    const { mean, std } = normalisation;
    return {
      classes,
      inputShape: [height, width, channels],
      labels: (split) => dataset[split].labels,
      inputs: (split, indices) => normalised(dataset, normalisation, dataset[split].values, indices),
      buildModel: (candidate, seed) => buildModel(new LayerFactory(seed), dataset, candidate),
      metadata: {
        'edgetune.input.layout': 'NCHW',
        'edgetune.input.colour': channels === 3 ? 'RGB' : 'grey',
        'edgetune.input.height': String(height),
        'edgetune.input.width': String(width),
        'edgetune.normalisation.scale': String(1 / 255),
        'edgetune.normalisation.mean': JSON.stringify(mean),
        'edgetune.normalisation.std': JSON.stringify(std),
        'edgetune.preprocessing': [
          ...preparation,
          'scale the pixels from 0..255 to 0..1, subtract the mean, divide by the standard deviation, each per channel',
        ].join('; '),
      },
    };
  },
};

function normalisationOf(pixels: Uint8Array, channels: number): Normalisation {
  const [sums, squares] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < pixels.length; i++) {
    const value = (pixels[i] as number) / 255;
    sums[i % channels] = (sums[i % channels] as number) + value;
    squares[i % channels] = (squares[i % channels] as number) + value * value;
  }
  const count = pixels.length / channels;
  const mean = Array.from(sums, (sum) => sum / count);
  const std = Array.from(squares, (sum, channel) =>
    Math.sqrt(Math.max(1e-6, sum / count - (mean[channel] as number) ** 2)),
  );
  return { mean, std };
}

function normalised(
  { height, width, channels }: Images,
  { mean, std }: Normalisation,
  pixels: Uint8Array,
  indices: ArrayLike<number>,
): Float32Array {
  const size = height * width * channels;
  const values = new Float32Array(indices.length * size);
  for (let sample = 0; sample < indices.length; sample++) {
    const start = (indices[sample] as number) * size;
    for (let i = 0; i < size; i++) {
      const channel = i % channels;
      values[sample * size + i] =
        ((pixels[start + i] as number) / 255 - (mean[channel] as number)) / (std[channel] as number);
    }
  }
  return values;
}

function buildModel(
  layers: LayerFactory,
  { height, width, channels, classes }: Images,
  candidate: Candidate,
): LayersModel {
  const baseWidth = Number(candidate.width ?? 16);
  const depth = Number(candidate.depth ?? 1);
  const block = candidate.block === 'separable' ? separableBlock : residualBlock;
  const stages = Math.min(height, width) >= 12 ? 3 : 2;
  const input = layers.input([height, width, channels]);
  let x = layers.relu(layers.convolution(input, baseWidth, 3, 1));
  for (let stage = 0; stage < stages; stage++) {
    for (let repeat = 0; repeat < depth; repeat++)
      x = block(layers, x, baseWidth * 2 ** stage, stage > 0 && repeat === 0 ? 2 : 1);
  }
  return layers.model(input, layers.classify(x, classes.length));
}

function residualBlock(layers: LayerFactory, x: Tensor, filters: number, stride: number): Tensor {
  const inner = layers.convolution(layers.relu(layers.convolution(x, filters, 3, stride)), filters, 3, 1);
  return layers.relu(layers.add(inner, layers.shortcut(x, filters, stride)));
}

function separableBlock(layers: LayerFactory, x: Tensor, filters: number, stride: number): Tensor {
  const inner = layers.convolution(layers.relu(layers.depthwise(x, 3, stride)), filters, 1, 1);
  return layers.relu(layers.add(inner, layers.shortcut(x, filters, stride)));
}
