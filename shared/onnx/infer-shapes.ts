/** Shape inference with concrete sizes: every value of the graph gets its type, its shape and, where small, its elements. */
import { type FlowContext, isControlFlow, runControlFlow, type Scope } from './control-flow.ts';
import type { Dtype } from './dtype.ts';
import { givenInputs } from './given-inputs.ts';
import type { OnnxGraph, OnnxNode } from './graph.ts';
import { type Sizes, sizedShapes } from './model-sizes.ts';
import { OnnxError } from './onnx-error.ts';
import { SHAPE_RULES } from './shape-rules/all.ts';
import { tensorValue } from './shape-rules/constant.ts';
import { ruleInput, ruleName, type ShapeRule, shapeFrom, type Value } from './shape-rules/rule.ts';

/**
 * Shapes of the graph's inputs with every open size replaced.
 * @throws {OnnxError} as `sizedShapes` does, and for inputs that are no tensors
 */
export function inputShapes(graph: Pick<OnnxGraph, 'inputs'>, sizes: Sizes): Map<string, number[]> {
  for (const { name, kind } of graph.inputs)
    if (kind !== 'tensor')
      throw new OnnxError('unsupported-type', `input "${name}"`, `a ${kind} is not supported; only tensors are`);
  return sizedShapes(graph.inputs, sizes);
}

function unsupported(node: OnnxNode): never {
  throw new OnnxError(
    'unsupported-operator',
    `node "${node.name}"`,
    `the cost model does not know the operator ${ruleName(node)}; only a real board can measure it`,
  );
}

function checkValue(node: OnnxNode, dtype: Dtype, shape: number[]): void {
  const where = `node "${node.name}" (${node.opType})`;
  if (dtype === 'string')
    throw new OnnxError('unsupported-type', where, 'strings are not supported on a simulated board');
  shapeFrom(node, shape);
}

export interface SizedGraph {
  /** Without control flow: in its place stands what is run of its bodies, each value by a name of its own. */
  graph: OnnxGraph;
  /** Types and shapes, in the order in which they come to be. */
  values: Map<string, Value>;
  /** How often what makes a value runs, where that is not once. */
  repeats: ReadonlyMap<string, number>;
  /** What depends on the data, and as what it is counted: in words. */
  assumptions: string[];
}

class Sizer implements FlowContext {
  readonly values = new Map<string, Value>();
  readonly repeats = new Map<string, number>();
  readonly assumptions: string[] = [];
  nodes: OnnxNode[] = [];
  readonly graph: OnnxGraph;

  constructor(graph: OnnxGraph) {
    this.graph = graph;
  }

  /** Nodes of a graph, as its scope calls them. */
  run(graph: OnnxGraph, scope: Scope): void {
    const given = givenInputs(graph);
    // What the user has given an input is known and may be another the next time: nothing is folded with it.
    for (const [name, tensor] of graph.initializers)
      this.values.set(
        scope.rename(name),
        given.has(name) ? { ...tensorValue(tensor), constant: false } : tensorValue(tensor),
      );
    for (const node of graph.nodes) {
      const renamed = {
        ...node,
        name: scope.path + node.name,
        inputs: node.inputs.map((name) => (name === '' ? '' : scope.rename(name))),
        outputs: node.outputs.map((name) => (name === '' ? '' : scope.rename(name))),
      };
      if (isControlFlow(node)) runControlFlow(this, renamed, scope);
      else this.add(renamed, scope);
    }
  }

  add(node: OnnxNode, scope: Scope): void {
    if (!Object.hasOwn(SHAPE_RULES, ruleName(node))) unsupported(node);
    const rule = SHAPE_RULES[ruleName(node)] as ShapeRule;
    const input = ruleInput(this.graph, node, this.values);
    const constant = input.inputs.every((value) => value === null || value.constant);
    const atMost = input.inputs.some((value) => value?.atMost);
    const outputs = rule(input);
    if (!atMost && outputs.some((value) => value.atMost))
      this.assumptions.push(
        `how much node "${node.name}" (${node.opType}) finds depends on the data: it is counted as if it found all that it can`,
      );
    for (const [index, name] of node.outputs.entries()) {
      if (name === '') continue;
      const value = outputs[index];
      if (!value)
        throw new OnnxError('invalid-shape', `node "${node.name}" (${node.opType})`, `it has no output ${index}`);
      checkValue(node, value.dtype, value.shape);
      this.define(name, { ...value, constant, ...(atMost ? { atMost } : {}) }, scope);
    }
    this.nodes.push(node);
  }

  define(name: string, value: Value, scope: Scope): void {
    this.values.set(name, value);
    if (scope.repeats !== 1) this.repeats.set(name, scope.repeats);
  }
}

/**
 * Sizes every value of a graph, and puts what control flow runs in its place.
 * @throws {OnnxError} naming the node whose inputs do not fit, that the cost model does not know, or whose control flow
 * depends on the data
 */
export function sizeGraph(graph: OnnxGraph, sizes: Sizes): SizedGraph {
  const sizer = new Sizer(graph);
  const shapes = inputShapes(graph, sizes);
  for (const { name, dtype } of graph.inputs) {
    if (dtype === 'string')
      throw new OnnxError('unsupported-type', `input "${name}"`, 'strings are not supported on a simulated board');
    sizer.values.set(name, { dtype, shape: shapes.get(name) as number[], values: null, constant: false });
  }
  sizer.run(graph, { path: '', rename: (name) => name, repeats: 1 });
  const { values, repeats, assumptions, nodes } = sizer;
  return { graph: { ...graph, nodes }, values, repeats, assumptions };
}

/**
 * Types and shapes of every value of the graph, in the order in which they come to be.
 * @throws {OnnxError} as `sizeGraph` does
 */
export function inferShapes(graph: OnnxGraph, sizes: Sizes): Map<string, Value> {
  return sizeGraph(graph, sizes).values;
}
