/** Everything that EdgeTune asks of a model file, in one call. */
import type { Precision } from '../domain/inference-config.ts';
import { collapseQuantisers } from './collapse-quantisers.ts';
import { isInteger, isQuantised } from './dtype.ts';
import { type FusedKernel, fuseKernels } from './fuse-kernels.ts';
import { givenInputs } from './given-inputs.ts';
import { firstOutput, type OnnxGraph } from './graph.ts';
import { graphPrecision } from './graph-precision.ts';
import { inputShapes, sizeGraph } from './infer-shapes.ts';
import { liveGraph } from './live-graph.ts';
import { macsOfNode } from './macs.ts';
import { peakActivationBytes, weightBytesOf } from './memory.ts';
import { modelSizes, type Sizes } from './model-sizes.ts';
import { readOnnx } from './read-onnx.ts';
import { ruleInput } from './shape-rules/rule.ts';
import { signatureOf } from './signature.ts';

export interface ModelAnalysis {
  graph: OnnxGraph;
  /** Computed when it is first asked for. */
  readonly signature: string;
  precision: Precision;
  batchSize: number;
  inputShapes: ReadonlyMap<string, number[]>;
  outputShapes: ReadonlyMap<string, number[]>;
  /** Elements of all inputs, the whole batch. */
  inputElements: number;
  /** Elements of all weights: initializers, and constants of the graph and its bodies that are no lists of sizes. */
  parameters: number;
  /** Multiply-accumulates of one run of the whole batch. */
  macs: number;
  kernels: FusedKernel[];
  weightBytes: number;
  peakActivationBytes: number;
  /** What is taken for granted of its sizes, and as what is counted what depends on the data: in words. */
  assumptions: string[];
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

/** Constants that are lists of sizes, axes or indices, or single numbers, are no weights. */
function parametersOf(graph: OnnxGraph): number {
  let parameters = 0;
  const given = givenInputs(graph);
  for (const [name, tensor] of graph.initializers) if (!given.has(name)) parameters += tensor.elementCount;
  for (const { attributes } of graph.nodes)
    for (const { tensor, graph: body, graphs } of attributes.values()) {
      if (tensor && tensor.elementCount > 1 && (!isInteger(tensor.dtype) || isQuantised(tensor.dtype)))
        parameters += tensor.elementCount;
      for (const inner of body ? [body, ...graphs] : graphs) parameters += parametersOf(inner);
    }
  return parameters;
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
  const { graph: flat, values, repeats, assumptions } = sizeGraph(graph, sizes);
  const live = collapseQuantisers(flat, liveGraph(flat, values, runtime.mergesRepeats), values);
  let macs = 0;
  for (const node of live.nodes) {
    const name = firstOutput(node);
    const output = values.get(name);
    if (output) macs += macsOfNode(ruleInput(flat, node, values), output) * (repeats.get(name) ?? 1);
  }
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
    outputShapes: new Map(graph.outputs.map(({ name }) => [name, values.get(name)?.shape ?? []])),
    inputElements,
    parameters: parametersOf(graph),
    macs,
    kernels: fuseKernels(flat, { live, values, repeats }),
    weightBytes: weightBytesOf(live, values),
    peakActivationBytes: peakActivationBytes(live, values),
    assumptions: [...modelSizes(graph, sizes.dimensions).assumptions, ...assumptions],
  };
}

/**
 * Reads a model and analyses it for the given sizes.
 * @throws {OnnxError} see `readOnnx` and `analyseGraph`
 */
export function analyseModel(bytes: Uint8Array, sizes: Sizes): ModelAnalysis {
  return analyseGraph(readOnnx(bytes), sizes);
}
