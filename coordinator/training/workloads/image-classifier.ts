/**
 * A family of residual networks (He et al., 2016, https://arxiv.org/abs/1512.03385) with, as an alternative block,
 * depthwise-separable convolutions (Howard et al., 2017, https://arxiv.org/abs/1704.04861).
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import * as tfl from '@tensorflow/tfjs-layers';
import type { ImageDataset } from '../datasets/image-dataset.ts';
import { readImages } from '../datasets/read-images.ts';
import { imageClassifierInfo } from './image-classifier-info.ts';
import { LayerFactory } from './layer-factory.ts';
import type { LoadedTask, Workload } from './workload.ts';

type Tensor = tfl.SymbolicTensor;

export const imageClassifier: Workload = {
  ...imageClassifierInfo,
  load(spec): LoadedTask {
    const dataset = readImages(spec);
    const { height, width, channels, classes, mean, std } = dataset;
    return {
      classes,
      inputShape: [height, width, channels],
      labels: (split) => dataset[split].labels,
      inputs: (split, indices) => normalised(dataset, dataset[split].pixels, indices),
      buildModel: (candidate, seed) => buildModel(dataset, candidate, seed),
      metadata: {
        'edgetune.input.layout': 'NCHW',
        'edgetune.input.colour': channels === 3 ? 'RGB' : 'grey',
        'edgetune.input.height': String(height),
        'edgetune.input.width': String(width),
        'edgetune.normalisation.scale': String(1 / 255),
        'edgetune.normalisation.mean': JSON.stringify(mean),
        'edgetune.normalisation.std': JSON.stringify(std),
        'edgetune.preprocessing':
          'scale the pixels from 0..255 to 0..1, subtract the mean, divide by the standard deviation, each per channel',
      },
    };
  },
};

function normalised(
  { height, width, channels, mean, std }: ImageDataset,
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
  { height, width, channels, classes }: ImageDataset,
  candidate: Candidate,
  seed: number,
): tfl.LayersModel {
  const layers = new LayerFactory(seed);
  const baseWidth = Number(candidate.width ?? 16);
  const depth = Number(candidate.depth ?? 1);
  const block = candidate.block === 'separable' ? separableBlock : residualBlock;
  const stages = Math.min(height, width) >= 12 ? 3 : 2;
  const input = tfl.input({ shape: [height, width, channels] });
  let x = layers.relu(layers.convolution(input, baseWidth, 3, 1));
  for (let stage = 0; stage < stages; stage++) {
    for (let repeat = 0; repeat < depth; repeat++)
      x = block(layers, x, baseWidth * 2 ** stage, stage > 0 && repeat === 0 ? 2 : 1);
  }
  return tfl.model({ inputs: input, outputs: layers.classify(x, classes.length) });
}

function residualBlock(layers: LayerFactory, x: Tensor, filters: number, stride: number): Tensor {
  const inner = layers.convolution(layers.relu(layers.convolution(x, filters, 3, stride)), filters, 3, 1);
  return layers.relu(layers.add(inner, layers.shortcut(x, filters, stride)));
}

function separableBlock(layers: LayerFactory, x: Tensor, filters: number, stride: number): Tensor {
  const inner = layers.convolution(layers.relu(layers.depthwise(x, 3, stride)), filters, 1, 1);
  return layers.relu(layers.add(inner, layers.shortcut(x, filters, stride)));
}
