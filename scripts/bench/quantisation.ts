/**
 * `npm run bench:quantisation [-- --json FILE]`: what static quantisation costs and brings on this machine. Models that are
 * trained here on real data (accuracy on their test splits), and public models (latency; their weights are what they are).
 * Beside each file stand those of ONNX Runtime's own quantiser, calibrated on the same samples, where PyPI can be reached: skipped
 * aloud else. Latency: one thread, batch 1, all files run in turn; medians, and of the ratios by pairs the noise. Signal-to-noise
 * ratio: against the float model, on samples that nothing was calibrated on.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { keepOnnxRuntimeSilent } from '@edgetune/shared/runtime/no-telemetry.ts';
import { QuantiseError, quantiseOnnx } from '../../coordinator/export/quantise-onnx.ts';
import type { Feeds } from '../../coordinator/export/run-onnx.ts';
import { randomBatches, trainingBatches } from '../../coordinator/training/calibration-batches.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import type { PreparedData } from '../../coordinator/training/datasets/process/prepared-file.ts';
import { readDataset } from '../../coordinator/training/datasets/read-dataset.ts';
import { taskOf } from '../../coordinator/training/load-task.ts';
import type { TrialTask } from '../../coordinator/training/training-service.ts';
import { pythonWithOnnxruntime } from './python-onnxruntime.ts';
import { signalToNoise, type Timed, timeByTurns } from './quantisation/compare.ts';
import { theirVariants } from './quantisation/onnxruntime-quantiser.ts';
import { type BenchRow, report } from './support.ts';

keepOnnxRuntimeSilent();

const DATA = join(import.meta.dirname, '../../../shared/data/datasets');

interface Trained {
  workload: string;
  dataset: DatasetSpec & { path: string };
  candidate: TrialTask['candidate'];
  epochs: number;
}

const images = { learningRate: 0.01, batchSizeTraining: 32 };
const digits = {
  format: 'csv-images',
  path: join(DATA, 'digits/digits.csv'),
  width: 8,
  height: 8,
  maxValue: 16,
};
const cifar = { format: 'cifar10-binary', path: join(DATA, 'cifar10') };
const TRAINED: Trained[] = [
  { workload: 'image-classifier', dataset: digits, candidate: { ...images, width: 16, block: 'residual' }, epochs: 6 },
  { workload: 'image-classifier', dataset: digits, candidate: { ...images, width: 16, block: 'separable' }, epochs: 6 },
  { workload: 'image-classifier', dataset: cifar, candidate: { ...images, width: 24, block: 'residual' }, epochs: 3 },
  {
    workload: 'keyword-spotter',
    dataset: { format: 'speech-commands', path: join(DATA, 'spoken-digits') },
    candidate: { ...images, width: 16 },
    epochs: 4,
  },
  {
    workload: 'text-classifier',
    dataset: { format: 'ag-news-csv', path: join(DATA, 'ag-news') },
    candidate: { ...images, embedding: 32, depth: 1 },
    epochs: 2,
  },
];
const PUBLIC: [file: string, dimensions: Record<string, number>][] = [
  ['resnet8-cifar10.onnx', {}],
  ['mnist-cnn.onnx', {}],
  ['light-squeezenet.onnx', {}],
  ['light-resnet50.onnx', {}],
  ['magika-standard-v3-3.onnx', {}],
  ['transformer-tiny.onnx', { tokens: 64 }],
  ['transformer-encoder-10k.onnx', { tokens: 64 }],
  ['ultraface-rfb-320.onnx', {}],
  ['bilstm-sentence-boundary.onnx', { length: 64 }],
  ['silero-vad-16k-op15.onnx', { sequence: 576 }],
  ['resnet8-cifar10-int8-qdq.onnx', {}],
];

const HELD_OUT_SEED = 2;

const theirs = pythonWithOnnxruntime(['onnx']);
if ('reason' in theirs) console.error(`skipped: the comparison with ONNX Runtime's quantiser (${theirs.reason})`);

const training = createTrainingService({ log: plainLogger(console.error) });
const [trained, known, beside]: [BenchRow[], BenchRow[], BenchRow[]] = [[], [], []];
for (const each of TRAINED) if (existsSync(each.dataset.path)) await addTrained(each);
await training.close();
for (const [file, dimensions] of PUBLIC) {
  const path = join(DATA, 'onnx-models', file);
  if (existsSync(path)) await addPublic(file, new Uint8Array(readFileSync(path)), dimensions);
}
report([
  { title: 'Trained here: accuracy on the test split', rows: trained },
  { title: 'Public models, calibrated on random inputs', rows: known },
  ...(beside.length > 0
    ? [{ title: "Beside ONNX Runtime's quantiser (time by that of EdgeTune's file)", rows: beside }]
    : []),
]);

/** A model, what it is calibrated on, and what it is compared on. */
interface Subject {
  model: string;
  onnx: Uint8Array;
  int8: Uint8Array;
  calibration: readonly Feeds[];
  heldOut: readonly Feeds[];
  /** One sample. */
  sample: Feeds;
}

async function addTrained({ workload, dataset, candidate, epochs }: Trained): Promise<void> {
  const task = { workload, dataset, candidate: { depth: 1, ...candidate }, seed: 1 };
  const { checkpoint } = await training.train(
    { ...task, budget: { epochs, dataFraction: 1 }, cores: 1, checkpoint: null, judgedBy: BY_ACCURACY },
    () => {},
    new AbortController().signal,
  );
  const { onnx } = await training.exportTrained(task, checkpoint);
  const startMs = performance.now();
  const int8 = await training.quantise(task, onnx);
  const seconds = (performance.now() - startMs) / 1000;
  const accuracy = async (file: Uint8Array) => (await training.evaluateOnnx(task, file, 'test')).metrics.accuracy;
  const { holds, finished } = await readDataset(dataset);
  const data = await taskOf(workload, () => ({ holds, data: finished.data }) as PreparedData);
  const [sample] = (await randomBatches(readOnnx(onnx), {})) as [Feeds, ...Feeds[]];
  const model = `${workload}, ${dataset.format}${candidate.block ? `, ${candidate.block}` : ''}`;
  trained.push({
    model,
    'float32 accuracy': await accuracy(onnx),
    'int8 accuracy': await accuracy(int8),
    ...(await compared({
      ...{ model, onnx, int8, sample },
      calibration: await trainingBatches(data),
      heldOut: await trainingBatches(data, 'validation'),
    })),
    'quantising s': seconds,
  });
}

async function addPublic(model: string, onnx: Uint8Array, dimensions: Record<string, number>): Promise<void> {
  const graph = readOnnx(onnx);
  try {
    const calibration = await randomBatches(graph, dimensions);
    const startMs = performance.now();
    const int8 = await quantiseOnnx(onnx, calibration);
    const seconds = (performance.now() - startMs) / 1000;
    const heldOut = await randomBatches(graph, dimensions, HELD_OUT_SEED);
    const sample = heldOut[0] as Feeds;
    const row = await compared({ model, onnx, int8, calibration, heldOut, sample });
    known.push({ model, ...row, 'quantising s': seconds, refused: '' });
  } catch (error) {
    if (!(error instanceof QuantiseError)) throw error;
    known.push({ model, refused: error.message });
  }
}

/** What the int8 file is by the float one; adds how the files of ONNX Runtime's quantiser are by it. */
async function compared({ model, onnx, int8, calibration, heldOut, sample }: Subject): Promise<BenchRow> {
  console.error(`${model} …`);
  const others = 'python' in theirs ? theirVariants(theirs.python, onnx, calibration) : [];
  const files = [int8, onnx, ...others.map((other) => other.onnx)];
  const times = await timeByTurns(files, sample);
  const ratios = await signalToNoise(onnx, [int8, ...others.map((other) => other.onnx)], heldOut);
  const [own, float] = times as [Timed, Timed];
  for (const [i, { settings, onnx: file }] of others.entries()) {
    const timed = times[i + 2];
    beside.push({
      ...{ model, settings },
      'SNR dB': ratios[0] ?? null,
      'their SNR dB': ratios[i + 1] ?? null,
      ms: own.medianMs,
      'their ms': timed?.medianMs ?? null,
      'their time': timed?.ratio ?? null,
      '±': timed?.noise ?? null,
      bytes: int8.length,
      'their bytes': file.length,
    });
  }
  return {
    'float32 bytes': onnx.length,
    'int8 bytes': int8.length,
    'float32 ms': float.medianMs,
    'int8 ms': own.medianMs,
    'times faster': float.ratio,
    '±': float.noise,
    'SNR dB': ratios[0] ?? null,
  };
}
