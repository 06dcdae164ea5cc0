/** The measurements that simulated boards are compared with; each knows how to read its file. */
import { readFileSync } from 'node:fs';
import type { FitRow } from '@edgetune/shared/costmodel/fit-profile.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseGraph, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { sharedData } from '../../../test/support/data.ts';
import { canonicalArchitecture, liveCell, nasBench201Onnx, parseArchitecture } from './nasbench201.ts';

/** One run of one sample on one thread, as all of these were measured. */
export const ONE_THREAD = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

function cellsOf(path: string): string[][] {
  const file = sharedData(path);
  if (!file) throw new Error(`the measurements are not there: ../shared/data/${path}`);
  const lines = readFileSync(file, 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => line.split(','));
}

/** Raspberry Pi 5, ONNX Runtime. The graphs as the framework exports them: `none` multiplies by zero and still runs. */
export function raspberryPi5Rows(): FitRow[] {
  return cellsOf('boards/nasbench201/raspberry-pi-5-onnxruntime.csv').map(
    ([, architecture, , latencyMs, , energyMj]) => {
      const bytes = nasBench201Onnx(architecture as string, { classes: 100, asExported: true }) as Uint8Array;
      return {
        analysis: runnableModel(analyseGraph(readOnnx(bytes), { batchSize: 1 })),
        config: ONE_THREAD,
        latencyMs: Number(latencyMs),
        netEnergyJ: Number(energyMj) / 1000,
        memoryBytes: null,
      };
    },
  );
}

function hasDeadBranch(architecture: string): boolean {
  const live = liveCell(architecture);
  const used = (edges: { op: string }[]) => edges.filter(({ op }) => op !== 'none').length;
  return parseArchitecture(architecture).some((edges, node) => used(edges) !== live?.[node]?.length);
}

/** Raspberry Pi 4, TensorFlow Lite: architectures whose live parts differ, without dead branches (they were measured too). */
export function raspberryPi4Rows(): FitRow[] {
  const seen = new Set<string>();
  return cellsOf('boards/nasbench201/raspberry-pi-4-tflite.csv').flatMap((cells) => {
    const architecture = cells[1] as string;
    const key = canonicalArchitecture(architecture);
    if (hasDeadBranch(architecture) || seen.has(key)) return [];
    seen.add(key);
    const bytes = nasBench201Onnx(architecture, { classes: 10 });
    if (!bytes) return [];
    const analysis = runnableModel(analyseGraph(readOnnx(bytes), { batchSize: 1 }, { mergesRepeats: false }));
    return [{ analysis, config: ONE_THREAD, latencyMs: Number(cells[9]), netEnergyJ: null, memoryBytes: null }];
  });
}

/** ncnn's mean latency in milliseconds, by device (a part of its name), model and threads, on the CPU. */
export function ncnnLatencyMs(device: string, model: string, threads: number): number {
  const path = 'boards/ncnn_boards/ncnn_edge_boards.csv';
  const file = sharedData(path);
  if (!file) throw new Error(`the measurements are not there: ../shared/data/${path}`);
  // Device names hold commas and are quoted then; the other eight columns are counted from the right.
  const row = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(','))
    .find(
      (cells) =>
        cells.slice(0, -8).join(',').replaceAll('"', '').startsWith(device) &&
        cells.at(-7) === String(threads) &&
        cells.at(-5) === '-1' &&
        cells.at(-4) === model,
    );
  if (!row) throw new Error(`${path} has no row for ${device}, ${model}, ${threads} threads`);
  return Number(row.at(-3));
}

/** A file of the ONNX models folder. */
export function onnxModel(file: string): Uint8Array {
  const path = sharedData(`datasets/onnx-models/${file}`);
  if (!path) throw new Error(`the model is not there: ../shared/data/datasets/onnx-models/${file}`);
  return readFileSync(path);
}

export interface PowerModeRow {
  powerMode: string;
  latencyMs: number;
  powerW: number;
}

/** AGX Xavier, ResNet-50, single stream, TensorFlow Lite 2.5 with ruy (MLPerf Inference edge v1.1). */
export function xavierPowerModes(): PowerModeRow[] {
  const path = sharedData('boards/mlperf_inference_edge/mlperf_edge_results.csv');
  if (!path) throw new Error('the measurements are not there: ../shared/data/boards/mlperf_inference_edge');
  const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  const columns = head.split(',');
  return lines.flatMap((line) => {
    if (!line.startsWith('v1.1,') || !/xavier-power\.\d-fan\.cool-tflite/.test(line)) return [];
    const cells = [...`,${line}`.matchAll(/,(?:"([^"]*)"|([^,]*))/g)].map((match) => match[1] ?? match[2] ?? '');
    const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
    if (cell('model') !== 'resnet50' || cell('avg_watts') === '') return [];
    const powerMode = cell('hw_notes').replace('Power mode: ', '');
    return [{ powerMode, latencyMs: Number(cell('p50_ms')), powerW: Number(cell('avg_watts')) }];
  });
}
