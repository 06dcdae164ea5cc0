/**
 * Keywords in one second of speech: TC-ResNet, which slides along time and takes the mel bands as channels (Choi et al.,
 * "Temporal Convolution for Real-time Keyword Spotting on Mobile Devices", 2019, https://arxiv.org/abs/1904.03814). The
 * spectrogram is computed outside of the network.
 */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import * as tfl from '@tensorflow/tfjs-layers';
import { FRAMES, HOP_MS, LOG_OFFSET, MEL_BANDS, WINDOW_MS } from '../datasets/log-mel.ts';
import { readSpeechCommands, type SpeechDataset } from '../datasets/speech-commands.ts';
import { DatasetError } from '../training-service.ts';
import { keywordSpotterInfo } from './keyword-spotter-info.ts';
import { LayerFactory } from './layer-factory.ts';
import type { LoadedTask, Workload } from './workload.ts';

const SIZE = FRAMES * MEL_BANDS;

/** The last data set read: trials of one study share it. */
let last: { path: string; dataset: SpeechDataset } | null = null;

export const keywordSpotter: Workload = {
  ...keywordSpotterInfo,
  load(spec): LoadedTask {
    const dataset = readSpeech(spec);
    const { classes, mean, std, sampleRateHz } = dataset;
    return {
      classes,
      inputShape: [FRAMES, 1, MEL_BANDS],
      labels: (split) => dataset[split].labels,
      inputs: (split, indices) => normalised(dataset[split].spectrograms, mean, std, indices),
      buildModel: (candidate, seed) => buildModel(classes.length, candidate, seed),
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

function readSpeech(spec: DatasetSpec): SpeechDataset {
  if (spec.format !== 'speech-commands')
    throw new DatasetError(
      `a data set of format ${spec.format} holds no speech: a keyword spotter needs speech-commands`,
    );
  if (last?.path !== spec.path) last = { path: spec.path, dataset: readSpeechCommands(spec.path) };
  return last.dataset;
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
function buildModel(classes: number, candidate: Candidate, seed: number): tfl.LayersModel {
  const layers = new LayerFactory(seed);
  const width = Number(candidate.width ?? 24);
  const depth = Number(candidate.depth ?? 3);
  const kernelSize = Number(candidate.kernelSize ?? 5);
  const input = tfl.input({ shape: [FRAMES, 1, MEL_BANDS] });
  let x = layers.relu(layers.convolution(input, width, [3, 1], 1));
  for (let block = 0; block < depth; block++) {
    const filters = width * (block + 1);
    const inner = layers.relu(layers.convolution(x, filters, [kernelSize, 1], 2));
    x = layers.relu(layers.add(layers.convolution(inner, filters, [kernelSize, 1], 1), layers.shortcut(x, filters, 2)));
  }
  return tfl.model({ inputs: input, outputs: layers.classify(x, classes) });
}
