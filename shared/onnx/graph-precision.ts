/** In which precision a graph computes. */
import type { Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';

/** Operators that make, read or compute on 8-bit integers with a scale: ONNX's own and ONNX Runtime's. */
const QUANTISED = /QuantizeLinear$|^QLinear|Integer(ToFloat)?$|^QGemm$|^DynamicQuantize/;

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
