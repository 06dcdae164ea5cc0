/** Command lines of NVIDIA's trtexec: options as in TensorRT's samples/common/sampleOptions.cpp, the same from 8.0 to 10. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';

/** Where JetPack and NVIDIA's packages put it; it is on no PATH by itself. */
const FOLDERS = ['/usr/src/tensorrt/bin', '/usr/local/tensorrt/bin'];

/** Path of trtexec, or null where the board has none; another one by EDGETUNE_AGENT_TRTEXEC. */
export function findTrtexec(): string | null {
  if (process.env.EDGETUNE_AGENT_TRTEXEC) return process.env.EDGETUNE_AGENT_TRTEXEC;
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS];
  return folders.map((folder) => join(folder, 'trtexec')).find((path) => existsSync(path)) ?? null;
}

/**
 * Shapes as `--shapes` takes them: of the inputs that leave a size open, since trtexec refuses shapes of a static model.
 * @returns such as `input:8x3x224x224,mask:8x128`, or null where all sizes are fixed
 * @throws {OnnxError} for a size that nobody gave, or another batch than the fixed one
 */
export function shapesArgument(
  graph: OnnxGraph,
  sizes: { batchSize: number; dimensions: Readonly<Record<string, number>> },
): string | null {
  const shapes = inputShapes(graph, sizes);
  const open = graph.inputs.filter(({ shape }) => shape?.some((size) => typeof size !== 'number'));
  return open.map(({ name }) => `${name}:${shapes.get(name)?.join('x')}`).join(',') || null;
}

const PRECISION_FLAGS: Readonly<Record<Precision, readonly string[]>> = {
  float32: [],
  float16: ['--fp16'],
  int8: ['--int8'],
};

/** Builds an engine and saves it. It is run once, because the option to leave that out has changed its name in between. */
export function buildArguments(options: {
  modelPath: string;
  enginePath: string;
  shapes: string | null;
  precision: Precision;
}): string[] {
  const { modelPath, enginePath, shapes, precision } = options;
  return [
    `--onnx=${modelPath}`,
    `--saveEngine=${enginePath}`,
    ...(shapes ? [`--shapes=${shapes}`] : []),
    ...PRECISION_FLAGS[precision],
    '--warmUp=0',
    '--duration=0',
    '--iterations=1',
  ];
}

/** trtexec's own default: by then the clocks of the GPU have risen. */
export const WARM_UP_MS = 200;

/** Runs a saved engine back to back. Its minima are the stop rule's; it has no maximum and does not look for a narrow interval. */
export function runArguments(options: {
  enginePath: string;
  shapes: string | null;
  stopRule: Pick<StopRule, 'minRuns' | 'minDurationMs'>;
  timesPath: string;
}): string[] {
  const { enginePath, shapes, stopRule, timesPath } = options;
  return [
    `--loadEngine=${enginePath}`,
    ...(shapes ? [`--shapes=${shapes}`] : []),
    `--warmUp=${WARM_UP_MS}`,
    `--duration=${Math.ceil(stopRule.minDurationMs / 1000)}`,
    `--iterations=${stopRule.minRuns}`,
    `--exportTimes=${timesPath}`,
  ];
}
