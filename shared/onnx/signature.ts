/** The signature of an architecture: equal for graphs that differ in weights and names only. */
import { createHash } from 'node:crypto';
import { isInteger } from './dtype.ts';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from './graph.ts';
import { constantTensor } from './shape-rules/constant.ts';
import { readsOf } from './topological-order.ts';

/** Inputs of floating-point type that decide shapes, by operator. */
const SHAPE_LIKE_FLOATS: ReadonlyMap<string, readonly number[]> = new Map([
  ['Resize', [1, 2]],
  ['Upsample', [1]],
  ['Range', [0, 1, 2]],
]);
/** Operators whose 32-bit integer inputs are biases, that is weights. */
const INTEGER_WEIGHTS: ReadonlyMap<string, readonly number[]> = new Map([
  ['QLinearConv', [8]],
  ['QGemm', [6]],
  ['DequantizeLinear', [0]],
]);

function valuesMatter(tensor: OnnxTensor, readers: readonly (readonly [string, number])[]): boolean {
  if (readers.some(([op, input]) => SHAPE_LIKE_FLOATS.get(op)?.includes(input))) return true;
  if (!isInteger(tensor.dtype) || /^u?int(4|8|16)$/.test(tensor.dtype)) return false;
  return tensor.dtype !== 'int32' || !readers.every(([op, input]) => INTEGER_WEIGHTS.get(op)?.includes(input));
}

function describeTensor(tensor: OnnxTensor, withValues: boolean): unknown[] {
  return [tensor.dtype, tensor.dims, withValues ? tensor.read() : null];
}

function describeAttribute(attribute: OnnxAttribute, outer: (name: string) => unknown): unknown[] {
  const { name, f, i, s, tensor, floats, ints, strings, graph, graphs } = attribute;
  return [
    name,
    [f, i, s, floats, ints, strings],
    tensor && describeTensor(tensor, isInteger(tensor.dtype)),
    [...(graph ? [graph] : []), ...graphs].map((each) => describeGraph(each, outer)),
  ];
}

/** Numbers everything from the outputs back in the order of first use: names and the file's order leave no trace. */
function describeGraph(graph: OnnxGraph, outer: (name: string) => unknown): unknown[] {
  const producers = new Map<string, readonly [OnnxNode, number]>();
  const readers = new Map<string, [string, number][]>();
  const constants = new Map(graph.initializers);
  for (const node of graph.nodes) {
    if (node.opType === 'Constant') constants.set(node.outputs[0] ?? '', constantTensor(node));
    else for (const [index, name] of node.outputs.entries()) producers.set(name, [node, index]);
    for (const [index, name] of node.inputs.entries()) {
      const list = readers.get(name);
      if (list) list.push([node.opType, index]);
      else readers.set(name, [[node.opType, index]]);
    }
  }
  const inputs = new Map(graph.inputs.map((input, index) => [input.name, index]));
  const numbers = new Map<string | OnnxNode, number>();
  const lines: unknown[] = [];

  const describeLeaf = (name: string): unknown => {
    const tensor = constants.get(name);
    if (tensor) return ['constant', ...describeTensor(tensor, valuesMatter(tensor, readers.get(name) ?? []))];
    return inputs.has(name) ? ['input', inputs.get(name)] : ['outer', outer(name)];
  };
  const numberOf = (key: string | OnnxNode): number => numbers.get(key) as number;
  const reference = (name: string): unknown => {
    if (name === '') return null;
    const producer = producers.get(name);
    return producer ? [numberOf(producer[0]), producer[1]] : numberOf(name);
  };
  const emit = (key: string | OnnxNode, line: unknown) => {
    numbers.set(key, numbers.size);
    lines.push(line);
  };
  const visitAndRefer = (name: string): unknown => {
    visit(name);
    return reference(name);
  };
  /** Depth first, without recursion: a graph may be tens of thousands of nodes deep. */
  const visit = (root: string) => {
    const stack = [root];
    while (stack.length > 0) {
      const name = stack.at(-1) as string;
      const node = producers.get(name)?.[0];
      const key = node ?? name;
      if (name === '' || numbers.has(key)) {
        stack.pop();
        continue;
      }
      // Also what its bodies read: visited from within them, a long row of conditions would exhaust the stack.
      const sources = node ? readsOf(node) : [];
      const open = sources.filter((input) => !numbers.has(producers.get(input)?.[0] ?? input));
      if (open.length > 0) {
        stack.push(...open.reverse());
        continue;
      }
      stack.pop();
      if (!node) emit(key, describeLeaf(name));
      else {
        const attributes = [...node.attributes.values()]
          .sort((one, two) => (one.name < two.name ? -1 : 1))
          .map((attribute) => describeAttribute(attribute, visitAndRefer));
        emit(key, [node.domain, node.opType, node.outputs.length, attributes, node.inputs.map(reference)]);
      }
    }
  };
  for (const output of graph.outputs) visit(output.name);
  return [lines, graph.outputs.map((output) => reference(output.name))];
}

/** Symbolic sizes by order of first appearance: their names do not matter, which of them are equal does. */
function describeInputs(graph: OnnxGraph): unknown[] {
  const symbols = new Map<string, number>();
  return graph.inputs.map(({ kind, dtype, shape }) => [
    kind,
    dtype,
    shape?.map((size) => {
      if (typeof size !== 'string') return size;
      if (!symbols.has(size)) symbols.set(size, symbols.size);
      return `s${symbols.get(size)}`;
    }) ?? null,
  ]);
}

/**
 * SHA-256 (hexadecimal) over operators, attributes, connections, input shapes, and dtype and shape of every initializer;
 * values count only of initializers that decide shapes or indices. Nodes that no output needs do not count.
 */
export function signatureOf(graph: OnnxGraph): string {
  const opsets = [...graph.opsets]
    .filter(([domain]) => domain === '' || domain === 'ai.onnx')
    .map(([, version]) => version);
  const description = [opsets, describeInputs(graph), describeGraph(graph, (name) => name)];
  return createHash('sha256').update(JSON.stringify(description)).digest('hex');
}
