/**
 * `npm run bench:quantisation [-- --json FILE]`: what static quantisation costs and brings on this machine. Models that are
 * trained here on real data (accuracy on their test splits), and public models (latency; their weights are what they are).
 * Latency: one thread, batch 1, the two files run in turn; the median of each.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { keepOnnxRuntimeSilent } from '@edgetune/shared/runtime/no-telemetry.ts';
import { InferenceSession } from 'onnxruntime-node';
import { QuantiseError, quantiseOnnx } from '../../coordinator/export/quantise-onnx.ts';
import type { Feeds } from '../../coordinator/export/run-onnx.ts';
import { randomBatches } from '../../coordinator/training/calibration-batches.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import type { TrialTask } from '../../coordinator/training/training-service.ts';
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
  ['resnet8-cifar10-int8-qdq.onnx', {}],
];

const MEASURED_MS = 1500;
const LEAST_RUNS = 15;

const training = createTrainingService({ log: plainLogger(console.error) });
const trained: BenchRow[] = [];
for (const each of TRAINED) if (existsSync(each.dataset.path)) trained.push(await trainedRow(each));
await training.close();
const known: BenchRow[] = [];
for (const [file, dimensions] of PUBLIC) {
  const path = join(DATA, 'onnx-models', file);
  if (existsSync(path)) known.push(await publicRow(file, new Uint8Array(readFileSync(path)), dimensions));
}
report([
  { title: 'Trained here: accuracy on the test split', rows: trained },
  { title: 'Public models, calibrated on random inputs', rows: known },
]);

async function trainedRow({ workload, dataset, candidate, epochs }: Trained): Promise<BenchRow> {
  const task = { workload, dataset, candidate: { depth: 1, ...candidate }, seed: 1 };
  const { checkpoint } = await training.train(
    { ...task, budget: { epochs, dataFraction: 1 }, cores: 1, judgedBy: BY_ACCURACY, checkpoint: null },
    () => {},
    new AbortController().signal,
  );
  const { onnx } = await training.exportTrained(task, checkpoint);
  const startMs = performance.now();
  const int8 = await training.quantise(task, onnx);
  const seconds = (performance.now() - startMs) / 1000;
  const accuracy = async (file: Uint8Array) => (await training.evaluateOnnx(task, file, 'test')).metrics.accuracy;
  return {
    model: `${workload}, ${dataset.format}${candidate.block ? `, ${candidate.block}` : ''}`,
    'float32 accuracy': await accuracy(onnx),
    'int8 accuracy': await accuracy(int8),
    ...(await compared(onnx, int8, {})),
    'quantising s': seconds,
  };
}

async function publicRow(file: string, onnx: Uint8Array, dimensions: Record<string, number>): Promise<BenchRow> {
  try {
    const startMs = performance.now();
    const int8 = await quantiseOnnx(onnx, await randomBatches(readOnnx(onnx), dimensions));
    const seconds = (performance.now() - startMs) / 1000;
    return { model: file, ...(await compared(onnx, int8, dimensions)), 'quantising s': seconds, refused: '' };
  } catch (error) {
    if (!(error instanceof QuantiseError)) throw error;
    return { model: file, refused: error.message };
  }
}

async function compared(onnx: Uint8Array, int8: Uint8Array, dimensions: Record<string, number>): Promise<BenchRow> {
  const [feeds] = (await randomBatches(readOnnx(onnx), dimensions)) as [Feeds, ...Feeds[]];
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;
  const sessions = await Promise.all([onnx, int8].map((file) => InferenceSession.create(file, options)));
  const times = sessions.map((): number[] => []);
  const endMs = performance.now() + MEASURED_MS;
  while (performance.now() < endMs || (times[0] as number[]).length < LEAST_RUNS)
    for (const [i, session] of sessions.entries()) {
      const startMs = performance.now();
      await session.run(feeds);
      (times[i] as number[]).push(performance.now() - startMs);
    }
  await Promise.all(sessions.map((session) => session.release()));
  const [floatMs, int8Ms] = times.map(median) as [number, number];
  return {
    'float32 bytes': onnx.length,
    'int8 bytes': int8.length,
    'float32 ms': floatMs,
    'int8 ms': int8Ms,
    'times faster': floatMs / int8Ms,
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
