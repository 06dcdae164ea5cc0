/**
 * Which nodes of a float graph become 8-bit ones, and which tensors stand between them as 8-bit integers: those for
 * which ONNX Runtime has integer kernels behind DequantizeLinear → operator → QuantizeLinear (onnxruntime/core/optimizer/
 * qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc, CPU execution provider).
 */
import { intAttribute, type OnnxGraph, type OnnxNode, type OnnxTensor, opsetOf } from '@edgetune/shared/onnx/graph.ts';

/** A Conv, Gemm or MatMul whose second factor is constant. */
export interface Contraction {
  weight: OnnxTensor;
  /** Null: none. */
  bias: OnnxTensor | null;
  /** Axis of the weight that has a scale per index; null: one scale for all of it. */
  channelAxis: number | null;
}

export interface QuantisationPlan {
  contractions: ReadonlyMap<OnnxNode, Contraction>;
  /** Values that become 8-bit integers, in the order in which they come to be. */
  tensors: readonly string[];
  /** Tensors of which an operator only moves the values: they share the parameters of another. */
  sharing: ReadonlyMap<string, string>;
  /** Activations that the range of the integers already performs, with the node whose output they were. */
  absorbed: ReadonlyMap<OnnxNode, OnnxNode>;
}

/** The result is of another range than the operands. */
const COMPUTING = new Set(['Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool', 'Sigmoid', 'LeakyRelu']);
/** The result holds the operand's values. */
const MOVING = new Set(['MaxPool', 'Flatten', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** MaxPool takes 8-bit integers since this operator set. */
const INTEGER_POOL_OPSET = 12;

export function planQuantisation(graph: OnnxGraph): QuantisationPlan {
  return new Planner(graph).run();
}

class Planner {
  readonly #graph: OnnxGraph;
  readonly #readers = new Map<string, OnnxNode[]>();
  /** Names that are read from outside the main graph's nodes: they have to stay. */
  readonly #escaping: ReadonlySet<string>;
  readonly #contractions = new Map<OnnxNode, Contraction>();
  readonly #tensors = new Set<string>();
  readonly #sharing = new Map<string, string>();
  readonly #absorbed = new Map<OnnxNode, OnnxNode>();

  constructor(graph: OnnxGraph) {
    this.#graph = graph;
    for (const node of graph.nodes)
      for (const name of new Set(node.inputs)) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    this.#escaping = new Set([...graph.outputs.map(({ name }) => name), ...graph.nodes.flatMap(namesInSubgraphs)]);
  }

  run(): QuantisationPlan {
    for (const node of this.#graph.nodes) {
      const contraction = this.#contractionOf(node);
      if (contraction) this.#contractions.set(node, contraction);
    }
    const wanted = new Set([...this.#contractions.keys()].map(({ inputs }) => inputs[0] as string));
    for (const { name } of this.#graph.inputs) if (wanted.has(name)) this.#tensors.add(name);
    for (const node of this.#graph.nodes) {
      const output = node.outputs[0] as string;
      if (node.opType === 'Conv' && this.#contractions.has(node)) this.#quantiseOutput(node);
      // A matrix product may hand on what it computes as float: it is rounded only where the next one needs it.
      else if (this.#contractions.has(node)) {
        if (wanted.has(this.#activationAfter(node)?.outputs[0] ?? output)) this.#quantiseOutput(node);
      } else if (COMPUTING.has(node.opType) && this.#readsIntegersOnly(node)) this.#quantiseOutput(node);
      else if (this.#movesIntegers(node)) this.#shareOutput(node);
      for (const name of node.outputs) if (wanted.has(name)) this.#tensors.add(name);
    }
    return {
      contractions: this.#contractions,
      tensors: [...this.#tensors],
      sharing: this.#sharing,
      absorbed: this.#absorbed,
    };
  }

  #contractionOf(node: OnnxNode): Contraction | null {
    if (node.domain !== '' || !['Conv', 'Gemm', 'MatMul'].includes(node.opType)) return null;
    const [data = '', weightName = '', biasName = ''] = node.inputs;
    const weight = this.#constant(weightName);
    const bias = this.#constant(biasName);
    if (!weight || this.#graph.initializers.has(data) || (biasName !== '' && !bias)) return null;
    const axis = channelAxisOf(node, weight);
    const channels = axis === null ? 1 : (weight.dims[axis] as number);
    if (bias && bias.elementCount !== channels) return null;
    if (node.opType === 'Gemm' && !isPlain(node)) return null;
    return { weight, bias, channelAxis: axis };
  }

  #constant(name: string): OnnxTensor | null {
    const tensor = this.#graph.initializers.get(name);
    return tensor?.dtype === 'float32' ? tensor : null;
  }

  #quantiseOutput(node: OnnxNode): void {
    const activation = this.#activationAfter(node);
    if (activation) this.#absorbed.set(activation, node);
    this.#tensors.add((activation ?? node).outputs[0] as string);
  }

  #shareOutput(node: OnnxNode): void {
    const [from, to] = [node.inputs[0] as string, node.outputs[0] as string];
    this.#sharing.set(to, this.#sharing.get(from) ?? from);
    this.#tensors.add(to);
  }

  /** A Relu or Clip that alone reads the node's output: integers that cannot be below or above its bounds replace it. */
  #activationAfter(node: OnnxNode): OnnxNode | null {
    const output = node.outputs[0] as string;
    const [reader, ...others] = this.#readers.get(output) ?? [];
    if (!reader || others.length > 0 || this.#escaping.has(output)) return null;
    return reader.inputs[0] === output && (reader.opType === 'Relu' || this.#isClipAroundZero(reader)) ? reader : null;
  }

  /** Ranges hold zero: a Clip that does not is not performed by them. */
  #isClipAroundZero(node: OnnxNode): boolean {
    if (node.opType !== 'Clip') return false;
    const [low, high] = ['min', 'max'].map((name, index) => {
      const input = node.inputs[index + 1];
      if (!input) return node.attributes.get(name)?.f ?? (index === 0 ? -Infinity : Infinity);
      return this.#graph.initializers.get(input)?.read()?.[0] ?? Number.NaN;
    }) as [number, number];
    return low <= 0 && high >= 0;
  }

  #readsIntegersOnly(node: OnnxNode): boolean {
    return node.domain === '' && node.inputs.every((name) => this.#tensors.has(name));
  }

  #movesIntegers(node: OnnxNode): boolean {
    if (node.domain !== '' || !MOVING.has(node.opType) || node.outputs.length !== 1) return false;
    if (node.opType === 'MaxPool' && opsetOf(this.#graph) < INTEGER_POOL_OPSET) return false;
    return this.#tensors.has(node.inputs[0] as string);
  }
}

function channelAxisOf(node: OnnxNode, weight: OnnxTensor): number | null {
  if (node.opType === 'Conv') return 0;
  if (weight.dims.length !== 2) return null;
  return node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
}

/** A product whose factors are not scaled or turned: the form that the integer kernel has. */
function isPlain(node: OnnxNode): boolean {
  const factor = (name: string) => node.attributes.get(name)?.f ?? 1;
  return factor('alpha') === 1 && factor('beta') === 1 && intAttribute(node, 'transA', 0) === 0;
}

/** Names that the bodies of control flow use: some of them come from outside. */
function namesInSubgraphs({ attributes }: OnnxNode): string[] {
  return [...attributes.values()].flatMap(({ graph, graphs }) =>
    [...(graph ? [graph] : []), ...graphs].flatMap(({ nodes, outputs }) => [
      ...nodes.flatMap((node) => [...node.inputs, ...namesInSubgraphs(node)]),
      ...outputs.map(({ name }) => name),
    ]),
  );
}
