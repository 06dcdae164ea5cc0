/** In which precision a graph computes. */
import type { InferenceConfig, Precision } from '../domain/inference-config.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';

/** Operators that make, read or compute on integers of at most 8 bits with a scale: ONNX's own and ONNX Runtime's. */
const QUANTISED =
  /[Qq]uantizeLinear$|^QLinear|Integer(ToFloat)?$|^DynamicQuantize|NBits$|BlockQuantized$|^Q(Gemm|Attention|MoE|Ordered|EmbedLayer)/;

/** The first node that makes or reads quantised values, also inside control flow; null: there is none. */
export function quantisedNode(graph: OnnxGraph): OnnxNode | null {
  for (const node of graph.nodes) {
    if (QUANTISED.test(node.opType)) return node;
    for (const { graph: body, graphs } of node.attributes.values())
      for (const inner of body ? [body, ...graphs] : graphs) {
        const found = quantisedNode(inner);
        if (found) return found;
      }
  }
  return null;
}

/** A graph with quantised nodes is an int8 one, although parts of it may compute in float32. */
export function graphPrecision(graph: OnnxGraph): Precision {
  if (quantisedNode(graph)) return 'int8';
  const elements = (dtype: string) =>
    [...graph.initializers.values()].reduce(
      (sum, tensor) => sum + (tensor.dtype === dtype ? tensor.elementCount : 0),
      0,
    );
  return elements('float16') > elements('float32') ? 'float16' : 'float32';
}

/**
 * Why a config cannot be run with a graph of this precision, or null. A graph computes in the precision that it was
 * exported in; only TensorRT makes a float16 engine of a float32 graph by itself.
 */
export function precisionMismatch(
  graph: Precision,
  { precision, executionProvider }: Pick<InferenceConfig, 'precision' | 'executionProvider'>,
): string | null {
  if (graph === precision) return null;
  if (precision === 'float16' && graph === 'float32' && executionProvider === 'tensorrt') return null;
  const remedy =
    precision === 'int8'
      ? 'quantise it first (edgetune quantise)'
      : precision === 'float16' && graph === 'float32'
        ? 'only the execution provider tensorrt makes a float16 model of it'
        : `ask for ${graph}`;
  return `the model computes in ${graph}, not in ${precision}: ${remedy}`;
}
