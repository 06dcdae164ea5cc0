/**
 * Values that would lose what they say as 8-bit integers, because they share a scale with others of a far larger range: boxes
 * of 640 pixels beside scores of at most 1. By the ranges that were observed.
 */
import type { OnnxGraph, OnnxNode } from '@edgetune/shared/onnx/graph.ts';
import type { ValueRange } from './quantisation-parameters.ts';
import type { QuantisationPlan } from './quantisation-plan.ts';

/** Inputs whose values stand beside one another in the result, by operator. */
const MERGED: Readonly<Record<string, (inputs: readonly string[]) => readonly string[]>> = {
  Concat: (inputs) => inputs,
  Where: ([, ...values]) => values,
  Pad: ([data = '']) => [data],
};

/** A part keeps at least 4 of the 8 bits, or it shares no scale. */
const LARGEST_RATIO = 16;

/** A value that becomes integers, and the parts that stand in it side by side. */
interface Merger {
  node: OnnxNode;
  tensor: string;
  parts: readonly string[];
}

/** Where values of several tensors come under one scale. */
export function mergersOf(graph: OnnxGraph, plan: QuantisationPlan): Merger[] {
  const integers = new Set(plan.tensors);
  return graph.nodes.flatMap((node) => {
    const [tensor = ''] = node.outputs;
    const parts = node.domain === '' ? MERGED[node.opType]?.(node.inputs) : undefined;
    return parts && integers.has(tensor) && !plan.sharing.has(tensor) ? [{ node, tensor, parts }] : [];
  });
}

/**
 * Names of outputs of nodes that are to stay float: those that merge unlike ranges, those that would read them as integers, and
 * convolutions whose channels are results of unlike ranges.
 * @param rangeOf a tensor @param channelsOf a convolution's result, channel by channel
 */
export function collapsing(
  graph: OnnxGraph,
  plan: QuantisationPlan,
  rangeOf: (tensor: string) => ValueRange,
  channelsOf: (tensor: string) => readonly ValueRange[],
): Set<string> {
  const float = new Set<string>();
  for (const { node, tensor, parts } of mergersOf(graph, plan)) {
    if (!isUnlike(rangeOf(tensor), parts.map(rangeOf))) continue;
    float.add(node.outputs[0] as string);
    for (const { inputs, outputs } of plan.contractions.keys()) {
      const [data = ''] = inputs;
      if ((plan.sharing.get(data) ?? data) === tensor) float.add(outputs[0] as string);
    }
  }
  for (const { node, tensor } of plan.heads)
    if (isUnlike(rangeOf(tensor), channelsOf(tensor))) float.add(node.outputs[0] as string);
  return float;
}

/** What never changes has nothing to lose. */
function isUnlike(whole: ValueRange, parts: readonly ValueRange[]): boolean {
  return parts.some((part) => part.min < part.max && widthOf(part) * LARGEST_RATIO < widthOf(whole));
}

/** As integers have it, which hold zero. */
function widthOf({ min, max }: ValueRange): number {
  return Math.max(max, 0) - Math.min(min, 0);
}
