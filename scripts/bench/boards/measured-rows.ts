/** The measurements that simulated boards are compared with; each knows how to read its file. */
import { readFileSync } from 'node:fs';
import type { FitRow } from '@edgetune/shared/costmodel/fit-profile.ts';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseGraph, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { sharedData } from '../../../test/support/data.ts';
import { readTable } from './csv.ts';
import { canonicalArchitecture, liveCell, nasBench201Onnx, parseArchitecture } from './nasbench201.ts';

/** One run of one sample on one thread, as all of these were measured. */
export const ONE_THREAD = inferenceConfigSchema.parse({ batchSize: 1, threads: 1 });

/** Raspberry Pi 5, ONNX Runtime. The graphs as the framework exports them: `none` multiplies by zero and still runs. */
export function raspberryPi5Rows(): FitRow[] {
  return readTable('boards/nasbench201/raspberry-pi-5-onnxruntime.csv').map((cells) => {
    const bytes = nasBench201Onnx(cells.arch_str as string, { classes: 100, asExported: true }) as Uint8Array;
    return {
      analysis: runnableModel(analyseGraph(readOnnx(bytes), { batchSize: 1 })),
      config: ONE_THREAD,
      latencyMs: Number(cells.lat_ms_median),
      netEnergyJ: Number(cells.energy_mj) / 1000,
      memoryBytes: null,
    };
  });
}

function hasDeadBranch(architecture: string): boolean {
  const live = liveCell(architecture);
  const used = (edges: { op: string }[]) => edges.filter(({ op }) => op !== 'none').length;
  return parseArchitecture(architecture).some((edges, node) => used(edges) !== live?.[node]?.length);
}

/** Raspberry Pi 4, TensorFlow Lite: architectures whose live parts differ, without dead branches (they were measured too). */
export function raspberryPi4Rows(): FitRow[] {
  const seen = new Set<string>();
  return readTable('boards/nasbench201/raspberry-pi-4-tflite.csv').flatMap((cells) => {
    const architecture = cells.arch_str as string;
    const key = canonicalArchitecture(architecture);
    if (hasDeadBranch(architecture) || seen.has(key)) return [];
    seen.add(key);
    const bytes = nasBench201Onnx(architecture, { classes: 10 });
    if (!bytes) return [];
    const analysis = runnableModel(analyseGraph(readOnnx(bytes), { batchSize: 1 }, { mergesRepeats: false }));
    return [{ analysis, config: ONE_THREAD, latencyMs: Number(cells.raspi4), netEnergyJ: null, memoryBytes: null }];
  });
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

/** AGX Xavier, ResNet-50, single stream (MLPerf Inference edge v1.1), by the runtime that computed it. */
export function xavierPowerModes(runtime: 'tflite' | 'armnn'): PowerModeRow[] {
  return readTable('boards/mlperf_inference_edge/mlperf_edge_results.csv').flatMap((cells) => {
    const isOurs =
      cells.round === 'v1.1' && new RegExp(`xavier-power\\.\\d-fan\\.cool-${runtime}`).test(cells.sut ?? '');
    if (!isOurs || cells.model !== 'resnet50' || cells.avg_watts === '') return [];
    const powerMode = (cells.hw_notes ?? '').replace('Power mode: ', '');
    return [{ powerMode, latencyMs: Number(cells.p50_ms), powerW: Number(cells.avg_watts) }];
  });
}
