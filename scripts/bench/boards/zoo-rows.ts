/** Measurements of well-known networks on boards; the networks are written anew from their papers (`zoo/`). */
import type { FitRow } from '@edgetune/shared/costmodel/fit-profile.ts';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { analyseGraph, type RunnableModel, runnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { readTable } from './csv.ts';
import { onnxModel } from './measured-rows.ts';
import { classifierNamed, efficientnet, mobilenetV1, mobilenetV2 } from './zoo/classifiers.ts';
import { yoloNamed } from './zoo/yolo.ts';

export interface ZooRow extends FitRow {
  network: string;
  /** Height and width of the input. */
  imageSize: number;
  latencyMs: number;
}

const analyses = new Map<string, RunnableModel | null>();
/** Graphs hold their weights, so only the last one is kept: tables list a network's sizes one after another. */
let last: { network: string; graph: OnnxGraph | null } | null = null;

function analysisOf(network: string, imageSize: number, build: () => Uint8Array | null): RunnableModel | null {
  const key = `${network}@${imageSize}`;
  const known = analyses.get(key);
  if (known !== undefined) return known;
  if (last?.network !== network) {
    const bytes = build();
    last = { network, graph: bytes && readOnnx(bytes) };
  }
  const dimensions = { height: imageSize, width: imageSize };
  const analysis = last.graph && runnableModel(analyseGraph(last.graph, { batchSize: 1, dimensions }));
  analyses.set(key, analysis);
  return analysis;
}

function row(
  network: string,
  imageSize: number,
  config: InferenceConfig,
  latencyMs: number,
  build: () => Uint8Array | null,
): ZooRow[] {
  const analysis = analysisOf(network, imageSize, build);
  if (!analysis || !(latencyMs > 0)) return [];
  return [{ network, imageSize, analysis, config, latencyMs, netEnergyJ: null, memoryBytes: null }];
}

const onCpu = (threads: number) => inferenceConfigSchema.parse({ batchSize: 1, threads });
const ON_CUDA = inferenceConfigSchema.parse({
  batchSize: 1,
  threads: 1,
  executionProvider: 'cuda',
  runner: 'onnxruntime-python',
});

/** Jetson Nano under ONNX Runtime: image classifiers of timm, on the CPU (its default: all four cores) or the GPU. */
export function nanoRows(provider: 'cpu' | 'gpu'): ZooRow[] {
  const table = readTable(`boards/deeplite_yolobench_clsbench/imagenet_nano_${provider}_ort.csv`);
  return table.flatMap((cells) => {
    const found = /^(.*?)(?:_bn)?(?:\..*)?_(\d+)$/.exec(cells.model_name as string);
    if (!found || /_bn/.test(cells.model_name as string)) return [];
    const [, network, size] = found as unknown as [string, string, string];
    const config = provider === 'cpu' ? onCpu(4) : ON_CUDA;
    const build = () => classifierNamed(network);
    return row(network, Number(size), config, Number(cells.mean_latency) * 1000, build);
  });
}

/** YOLOv5 and YOLOv8 at eleven input sizes under ONNX Runtime (its default: all four cores). */
export function yoloRows(column: 'pi4_ort_latency' | 'pi5_ort_latency'): ZooRow[] {
  return readTable('boards/deeplite_yolobench_clsbench/merged_results.csv').flatMap((cells) => {
    const [network = '', size = ''] = (cells.model_name as string).split('_');
    return row(network, Number(size), onCpu(4), Number(cells[column]), () => yoloNamed(network));
  });
}

/** One of MLPerf's classifiers, by the name that the submissions use. Quantised ones are other graphs: null. */
function mlperfNetwork(name: string): { network: string; imageSize: number; build: () => Uint8Array | null } | null {
  const mobile = /^mobilenet-v([12])-(?:precision_float-)?([\d.]+)-(\d+)(?:-non-quantized)?$/.exec(name);
  if (mobile) {
    const [, version, alpha, size] = mobile as unknown as [string, string, string, string];
    const write = version === '1' ? mobilenetV1 : mobilenetV2;
    const build = () => write(Number(alpha));
    return { network: `mobilenet-v${version}-${alpha}`, imageSize: Number(size), build };
  }
  if (name === 'resnet50') return { network: name, imageSize: 224, build: () => classifierNamed('resnet50') };
  const lite = /efficientnet-lite(\d)/.exec(name);
  if (!lite || !/non-quantized/.test(name)) return null;
  const scales = [
    [1, 1, 224],
    [1, 1.1, 240],
    [1.1, 1.2, 260],
    [1.2, 1.4, 280],
    [1.4, 1.8, 300],
  ] as const;
  const [width, depth, size] = scales[Number(lite[1])] ?? scales[0];
  return {
    network: `efficientnet-lite${lite[1]}`,
    imageSize: size,
    build: () => efficientnet(width, depth, true),
  };
}

/** Single-stream medians of one system under test of MLPerf Inference (edge). */
export function mlperfRows(system: string, threads: number): ZooRow[] {
  const seen = new Set<string>();
  return readTable('boards/mlperf_inference_edge/mlperf_edge_results.csv').flatMap((cells) => {
    // A system that was submitted to several rounds is there several times.
    if (seen.has(`${cells.sut} ${cells.model} ${cells.scenario}`)) return [];
    seen.add(`${cells.sut} ${cells.model} ${cells.scenario}`);
    if (cells.sut !== system || !/^single/i.test(cells.scenario as string)) return [];
    const found = mlperfNetwork(cells.model as string);
    return found ? row(found.network, found.imageSize, onCpu(threads), Number(cells.p50_ms), found.build) : [];
  });
}

const NCNN_NETWORKS: Readonly<Record<string, [network: string, imageSize: number, build: () => Uint8Array | null]>> = {
  squeezenet: ['squeezenet', 227, () => onnxModel('light-squeezenet.onnx')],
  mobilenet: ['mobilenet-v1-1.0', 224, () => mobilenetV1(1, 'relu')],
  mobilenet_v2: ['mobilenet-v2-1.0', 224, () => mobilenetV2(1)],
  mnasnet: ['mnasnet_100', 224, () => classifierNamed('mnasnet_100')],
  resnet18: ['resnet18', 224, () => classifierNamed('resnet18')],
  resnet50: ['resnet50', 224, () => classifierNamed('resnet50')],
  alexnet: ['alexnet', 227, () => classifierNamed('alexnet')],
  vgg16: ['vgg16', 224, () => classifierNamed('vgg16')],
  efficientnet_b0: ['efficientnet_b0', 224, () => classifierNamed('efficientnet_b0')],
  regnety_400m: ['regnety_004', 224, () => classifierNamed('regnety_004')],
};

/** Fastest runs of ncnn on the CPU (means hold stalls of the system) of a device (a part of its name), in float32 files (ncnn may compute in float16). */
export function ncnnRows(device: string): ZooRow[] {
  return readTable('boards/ncnn_boards/ncnn_edge_boards.csv').flatMap((cells) => {
    const known = NCNN_NETWORKS[cells.model as string];
    if (!known || cells.gpu_device !== '-1' || !(cells.device as string).startsWith(device)) return [];
    return row(known[0], known[1], onCpu(Number(cells.num_threads)), Number(cells.min_ms), known[2]);
  });
}
