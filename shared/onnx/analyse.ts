/** Everything that EdgeTune asks of a model file, in one call. */
import type { Precision } from '../domain/inference-config.ts';
import { collapseQuantisers } from './collapse-quantisers.ts';
import { type FusedKernel, fuseKernels } from './fuse-kernels.ts';
import { firstOutput, type OnnxGraph } from './graph.ts';
import { graphPrecision } from './graph-precision.ts';
import { inferShapes, inputShapes, ruleInput, type Sizes } from './infer-shapes.ts';
import { liveGraph } from './live-graph.ts';
import { macsOfNode } from './macs.ts';
import { peakActivationBytes, weightBytesOf } from './memory.ts';
import { readOnnx } from './read-onnx.ts';
import { signatureOf } from './signature.ts';

export interface ModelAnalysis {
  graph: OnnxGraph;
  /** Computed when it is first asked for. */
  readonly signature: string;
  precision: Precision;
  batchSize: number;
  inputShapes: ReadonlyMap<string, number[]>;
  /** Elements of all inputs, the whole batch. */
  inputElements: number;
  /** Elements of all initializers. */
  parameters: number;
  /** Multiply-accumulates of one run of the whole batch. */
  macs: number;
  kernels: FusedKernel[];
  weightBytes: number;
  peakActivationBytes: number;
}

/** What the cost model needs of an analysis: without the graph, so that thousands can be kept. */
export type RunnableModel = Pick<
  ModelAnalysis,
  'precision' | 'batchSize' | 'inputElements' | 'kernels' | 'weightBytes' | 'peakActivationBytes'
>;

/** Lets go of the graph, and with it of the model's bytes. */
export function runnableModel(analysis: ModelAnalysis): RunnableModel {
  const { precision, batchSize, inputElements, kernels, weightBytes, peakActivationBytes } = analysis;
  return { precision, batchSize, inputElements, kernels, weightBytes, peakActivationBytes };
}

/**
 * Shapes, cost and memory of a graph that has been read. `runtime`: ONNX Runtime's habits where nothing is said.
 * @throws {OnnxError} where the graph cannot be sized, or holds an operator whose cost is not known
 */
export function analyseGraph(
  graph: OnnxGraph,
  sizes: Sizes,
  runtime: { mergesRepeats: boolean } = { mergesRepeats: true },
): ModelAnalysis {
  const values = inferShapes(graph, sizes);
  const live = collapseQuantisers(graph, liveGraph(graph, values, runtime.mergesRepeats), values);
  let macs = 0;
  for (const node of live.nodes) {
    const output = values.get(firstOutput(node));
    if (output) macs += macsOfNode(ruleInput(graph, node, values), output);
  }
  let parameters = 0;
  for (const tensor of graph.initializers.values()) parameters += tensor.elementCount;
  let inputElements = 0;
  const shapes = inputShapes(graph, sizes);
  for (const shape of shapes.values()) inputElements += shape.reduce((product, size) => product * size, 1);
  let signature: string | null = null;
  return {
    graph,
    get signature() {
      signature ??= signatureOf(graph);
      return signature;
    },
    precision: graphPrecision(graph),
    batchSize: sizes.batchSize,
    inputShapes: shapes,
    inputElements,
    parameters,
    macs,
    kernels: fuseKernels(graph, live, values),
    weightBytes: weightBytesOf(live, values),
    peakActivationBytes: peakActivationBytes(live, values),
  };
}

/**
 * Reads a model and analyses it for the given sizes.
 * @throws {OnnxError} see `readOnnx` and `analyseGraph`
 */
export function analyseModel(bytes: Uint8Array, sizes: Sizes): ModelAnalysis {
  return analyseGraph(readOnnx(bytes), sizes);
}
