/** Shape inference with concrete sizes: every value of the graph gets its type, its shape and, where small, its elements. */
import type { Dtype } from './dtype.ts';
import { type OnnxGraph, type OnnxNode, opsetOf } from './graph.ts';
import { OnnxError } from './onnx-error.ts';
import { SHAPE_RULES } from './shape-rules/all.ts';
import { tensorValue } from './shape-rules/constant.ts';
import { type RuleInput, ruleName, type ShapeRule, shapeFrom, type Value } from './shape-rules/rule.ts';

export interface Sizes {
  /** Size of every symbolic dimension that stands for the batch. */
  batchSize: number;
  /** Sizes of the other symbolic dimensions, by name. */
  dimensions?: Readonly<Record<string, number>>;
}

/** The batch: the first axis of an input that leaves it open, and every axis that carries the same name. */
function batchNames(graph: OnnxGraph, dimensions: Readonly<Record<string, number>>): Set<string> {
  const names = new Set<string>();
  for (const { shape } of graph.inputs) {
    const first = shape?.[0];
    if (typeof first === 'string' && !Object.hasOwn(dimensions, first)) names.add(first);
  }
  return names;
}

/**
 * Shapes of the graph's inputs with every symbolic size replaced.
 * @throws {OnnxError} `dynamic-dimension` for a size that nobody gave; `fixed-batch` where the model's batch is another
 */
export function inputShapes(graph: OnnxGraph, sizes: Sizes): Map<string, number[]> {
  const dimensions = sizes.dimensions ?? {};
  const batch = batchNames(graph, dimensions);
  let batchIsOpen = graph.inputs.length === 0;
  const shapes = new Map<string, number[]>();
  for (const { name, kind, shape } of graph.inputs) {
    const where = `input "${name}"`;
    if (kind !== 'tensor')
      throw new OnnxError('unsupported-type', where, `a ${kind} is not supported; only tensors are`);
    if (!shape) throw new OnnxError('dynamic-dimension', where, 'the model does not say its rank');
    const concrete = shape.map((size, axis) => {
      if (typeof size === 'number') return size;
      if (size !== null && Object.hasOwn(dimensions, size)) return dimensions[size] as number;
      if (size === null ? axis === 0 : batch.has(size)) {
        batchIsOpen = true;
        return sizes.batchSize;
      }
      throw new OnnxError(
        'dynamic-dimension',
        `${where}, axis ${axis}`,
        size === null
          ? 'the model leaves this size open and unnamed; export it with a name or a size'
          : `give a size for "${size}" (for example --dimension ${size}=128)`,
      );
    });
    shapes.set(name, concrete);
  }
  const fixed = graph.inputs[0]?.shape?.[0];
  if (!batchIsOpen && sizes.batchSize !== 1 && fixed !== sizes.batchSize)
    throw new OnnxError(
      'fixed-batch',
      `input "${graph.inputs[0]?.name}"`,
      `the model's batch is fixed at ${fixed ?? 1}; it cannot run with ${sizes.batchSize} (export it with a dynamic batch)`,
    );
  return shapes;
}

function unsupported(node: OnnxNode): never {
  const subgraph = [...node.attributes.values()].some(({ graph, graphs }) => graph || graphs.length > 0);
  const operator = ruleName(node);
  throw new OnnxError(
    'unsupported-operator',
    `node "${node.name}"`,
    subgraph
      ? `${operator} is control flow: what it runs depends on the data, so only a real board can measure it`
      : `the cost model does not know the operator ${operator}; only a real board can measure it`,
  );
}

function checkValue(node: OnnxNode, dtype: Dtype, shape: number[]): void {
  const where = `node "${node.name}" (${node.opType})`;
  if (dtype === 'string')
    throw new OnnxError('unsupported-type', where, 'strings are not supported on a simulated board');
  shapeFrom(node, shape);
}

/** What a shape rule sees of a node. @throws {OnnxError} where an input is defined nowhere */
export function ruleInput(graph: OnnxGraph, node: OnnxNode, values: ReadonlyMap<string, Value>): RuleInput {
  const inputs = node.inputs.map((name) => (name === '' ? null : (values.get(name) ?? null)));
  return { node, inputs, opset: opsetOf(graph) };
}

/**
 * Types and shapes of every value of the graph, in the order in which they come to be.
 * @throws {OnnxError} naming the node whose inputs do not fit, or that the cost model does not know
 */
export function inferShapes(graph: OnnxGraph, sizes: Sizes): Map<string, Value> {
  const stranger = graph.nodes.find((node) => !Object.hasOwn(SHAPE_RULES, ruleName(node)));
  if (stranger) unsupported(stranger);
  const values = new Map<string, Value>();
  for (const [name, tensor] of graph.initializers) values.set(name, tensorValue(tensor));
  const shapes = inputShapes(graph, sizes);
  for (const { name, dtype } of graph.inputs) {
    if (dtype === 'string')
      throw new OnnxError('unsupported-type', `input "${name}"`, 'strings are not supported on a simulated board');
    values.set(name, { dtype, shape: shapes.get(name) as number[], values: null, constant: false });
  }
  for (const node of graph.nodes) {
    const rule = SHAPE_RULES[ruleName(node)] as ShapeRule;
    const input = ruleInput(graph, node, values);
    const constant = input.inputs.every((value) => value === null || value.constant);
    const outputs = rule(input);
    for (const [index, name] of node.outputs.entries()) {
      if (name === '') continue;
      const value = outputs[index];
      if (!value)
        throw new OnnxError('invalid-shape', `node "${node.name}" (${node.opType})`, `it has no output ${index}`);
      checkValue(node, value.dtype, value.shape);
      values.set(name, { ...value, constant });
    }
  }
  return values;
}
