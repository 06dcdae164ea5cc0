/** What is left of a graph to run: without dead nodes, folded constants and repeated work, as runtimes leave it. */
import type { OnnxGraph, OnnxNode } from './graph.ts';
import type { Value } from './shape-rules/rule.ts';

/** Operators that vanish: their output is their input. */
const TRANSPARENT = new Set(['Identity', 'Dropout']);

export interface LiveGraph {
  nodes: OnnxNode[];
  /** The value that a name stands for after transparent and repeated nodes are gone. */
  resolve(name: string): string;
  /** Nodes that read a value. */
  readers: ReadonlyMap<string, readonly OnnxNode[]>;
  outputs: ReadonlySet<string>;
}

function neededNodes(graph: OnnxGraph): Set<OnnxNode> {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes = new Set<OnnxNode>();
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.add(node);
    for (const name of node.inputs) if (name !== '') needed.add(name);
  }
  return nodes;
}

function repetitionKey(node: OnnxNode, inputs: readonly string[]): string {
  const attributes = [...node.attributes.values()]
    .map(({ name, f, i, s, floats, ints, strings }) => [name, f, i, s, floats, ints, strings])
    .sort((one, two) => (String(one[0]) < String(two[0]) ? -1 : 1));
  const asked = node.outputs.map((name) => name !== '');
  return JSON.stringify([node.domain, node.opType, inputs, asked, attributes]);
}

/**
 * Removes what ONNX Runtime removes before the first run (constant folding, common subexpressions, dead code).
 * `mergeRepeats` false: a runtime, such as TensorFlow Lite, that runs the same work twice when it is written twice.
 */
export function liveGraph(graph: OnnxGraph, values: ReadonlyMap<string, Value>, mergeRepeats: boolean): LiveGraph {
  const needed = neededNodes(graph);
  const aliases = new Map<string, string>();
  const resolve = (name: string): string => aliases.get(name) ?? name;
  const seen = new Map<string, OnnxNode>();
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes) {
    if (!needed.has(node)) continue;
    // Weights in 8 bits are not folded: their DequantizeLinear becomes part of the kernel that reads them.
    const folded = node.outputs.every((name) => name === '' || values.get(name)?.constant);
    if (folded && node.opType !== 'DequantizeLinear') continue;
    if (TRANSPARENT.has(node.opType)) {
      aliases.set(node.outputs[0] as string, resolve(node.inputs[0] as string));
      continue;
    }
    const hasTensor = [...node.attributes.values()].some((attribute) => attribute.tensor !== null);
    const key = hasTensor || !mergeRepeats ? null : repetitionKey(node, node.inputs.map(resolve));
    const twin = key === null ? undefined : seen.get(key);
    if (twin) {
      for (const [index, name] of node.outputs.entries()) aliases.set(name, twin.outputs[index] as string);
      continue;
    }
    if (key !== null) seen.set(key, node);
    nodes.push(node);
  }
  const readers = readersOf(nodes, resolve);
  return { nodes, resolve, readers, outputs: new Set(graph.outputs.map((output) => resolve(output.name))) };
}

/** Nodes that read a value. */
export function readersOf(
  nodes: readonly OnnxNode[],
  resolve: (name: string) => string,
): ReadonlyMap<string, readonly OnnxNode[]> {
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes)
    for (const name of new Set(node.inputs.map(resolve))) {
      if (name === '') continue;
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
  return readers;
}
