/**
 * What a training step costs on each backend, and what an export costs. A step: the gradient of a small residual network
 * (width 16, depth 1) on 32 synthetic images of 32×32×3, and AdamW.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { exportLayersModel } from '../../coordinator/export/export-layers-model.ts';
import { adamStep, newAdamState } from '../../coordinator/training/adam.ts';
import { loadBackend } from '../../coordinator/training/backends/load-backend.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import { writePrepared } from '../../coordinator/training/datasets/process/prepared-file.ts';
import { readDataset } from '../../coordinator/training/datasets/read-dataset.ts';
import { GradientTeam } from '../../coordinator/training/gradient-team.ts';
import { loadTask } from '../../coordinator/training/load-task.ts';
import { type BatchGradient, type ModelState, Replica } from '../../coordinator/training/replica.ts';
import type { TrialTask } from '../../coordinator/training/training-service.ts';
import type { LoadedTask } from '../../coordinator/training/workloads/workload.ts';
import { type BenchTable, report } from './support.ts';

const TASK: TrialTask = {
  workload: 'image-classifier',
  dataset: { format: 'synthetic-images', samples: 200, imageSize: 32, channels: 3 },
  candidate: { width: 16, depth: 1, block: 'residual' },
  seed: 1,
};
const BATCH = Uint32Array.from({ length: 32 }, (_, i) => i);
const STEPS = 5;

type Gradient = (state: ModelState, indices: Uint32Array) => BatchGradient;

export async function benchTraining(): Promise<BenchTable[]> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const data = writePrepared(folder, await readDataset(TASK.dataset));
  const task = await loadTask({ workload: TASK.workload, data });
  // The backend's own kernel, before ours takes its place.
  const stockInputGradient = kernel('Conv2DBackpropInput');
  const { name } = await loadBackend();
  const trained = tf.getBackend();
  const rows = [
    await onPlainBackend(task, trained),
    ...(trained === 'wasm' ? [withStockInputGradient(task, `${name}, filter gradient ours`, stockInputGradient)] : []),
    { backend: `${name}, ours`, cores: 1, stepMs: stepMs(task) },
    { backend: `${name}, ours`, cores: 2, stepMs: await stepMsOnTwoCores(task, data) },
  ];
  rmSync(folder, { recursive: true });
  const plain = rows[0]?.stepMs as number;
  return [
    { title: 'Training step', rows: rows.map((row) => ({ ...row, timesFaster: plain / row.stepMs })) },
    { title: 'Export', rows: [...exportRows(task), await serviceRow()] },
  ];
}

/** A whole step takes many seconds there: measured once, on a share of the images. */
async function onPlainBackend(task: LoadedTask, afterwards: string) {
  const share = 8;
  await tf.setBackend('cpu');
  const ms = share * stepMs(task, BATCH.subarray(0, BATCH.length / share), 1, 0);
  await tf.setBackend(afterwards);
  return {
    backend: `tfjs-cpu ${tf.version_core}, plain JavaScript (1/${share} of a step × ${share})`,
    cores: 1,
    stepMs: ms,
  };
}

/** WASM with nothing but the missing kernels supplied: its own gradient by the input is a naive loop. */
function withStockInputGradient(task: LoadedTask, backend: string, stock: tf.KernelConfig) {
  const ours = kernel(stock.kernelName);
  replaceKernel(stock);
  const row = { backend, cores: 1, stepMs: stepMs(task) };
  replaceKernel(ours);
  return row;
}

function stepMs(task: LoadedTask, batch = BATCH, steps = STEPS, warmUpSteps = 2): number {
  const replica = new Replica(task, TASK.candidate, TASK.seed);
  const gradient: Gradient = (state, indices) => {
    replica.setState(state);
    return replica.gradient(indices);
  };
  try {
    return meanStepMs(replica.state(), gradient, batch, steps, warmUpSteps);
  } finally {
    replica.dispose();
  }
}

async function stepMsOnTwoCores(task: LoadedTask, data: string): Promise<number> {
  const replica = new Replica(task, TASK.candidate, TASK.seed);
  const team = await GradientTeam.start(replica, { ...TASK, data }, 2, BATCH.length);
  try {
    return meanStepMs(replica.state(), (state, indices) => team.gradient(state, indices), BATCH, STEPS, 2);
  } finally {
    await team.close();
    replica.dispose();
  }
}

function meanStepMs(
  state: ModelState,
  gradient: Gradient,
  batch: Uint32Array,
  steps: number,
  warmUpSteps: number,
): number {
  const adam = newAdamState(state.weights.length);
  const step = () => {
    const { gradient: direction, moving } = gradient(state, batch);
    adamStep(state.weights, direction, adam, 1e-3, 1e-4);
    state.moving = moving;
  };
  for (let i = 0; i < warmUpSteps; i++) step();
  return meanMs(step, steps);
}

function meanMs(run: () => void, times: number): number {
  const startMs = performance.now();
  for (let i = 0; i < times; i++) run();
  return (performance.now() - startMs) / times;
}

function exportRows(task: LoadedTask) {
  return [
    { width: 8, depth: 1 },
    { width: 32, depth: 3 },
  ].map(({ width, depth }) => {
    const replica = new Replica(task, { ...TASK.candidate, width, depth }, TASK.seed);
    const onnx = exportLayersModel(replica.model, task.metadata);
    const ms = meanMs(() => exportLayersModel(replica.model, task.metadata), 3);
    const row = { what: `trained model → ONNX, width ${width}, depth ${depth}`, ms, kB: onnx.length / 1000 };
    replica.dispose();
    return row;
  });
}

/** What a study waits for: an architecture from a process that is warm. */
async function serviceRow() {
  const service = createTrainingService({ log: plainLogger(() => {}) });
  try {
    const { onnx } = await service.buildArchitecture(TASK);
    const startMs = performance.now();
    await service.buildArchitecture({ ...TASK, candidate: { ...TASK.candidate, depth: 2 } });
    const ms = performance.now() - startMs;
    return { what: 'untrained architecture from a warm training process', ms, kB: onnx.length / 1000 };
  } finally {
    await service.close();
  }
}

function kernel(kernelName: string): tf.KernelConfig {
  const config = tf.getKernel(kernelName, 'wasm');
  if (!config) throw new Error(`tfjs-wasm ${wasm.version_wasm} has no kernel ${kernelName}`);
  return config;
}

function replaceKernel(config: tf.KernelConfig): void {
  tf.unregisterKernel(config.kernelName, 'wasm');
  tf.registerKernel(config);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) report(await benchTraining());
