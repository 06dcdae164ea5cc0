/** Groups nodes into the kernels that a runtime runs: convolution + batch-norm + activation is one, and so on. */
import { INTEGER_OPS } from './collapse-quantisers.ts';
import { isQuantised } from './dtype.ts';
import { firstOutput, intAttribute, intsAttribute, type OnnxGraph, type OnnxNode } from './graph.ts';
import { type KernelKind, kernelKindOf } from './kernel-kind.ts';
import type { LiveGraph } from './live-graph.ts';
import { macsOfNode } from './macs.ts';
import { bytesOfValue } from './shape-rules/elementwise.ts';
import { recurrentSizes } from './shape-rules/recurrent.ts';
import { elementsOf, type RuleInput, ruleInput, type Value } from './shape-rules/rule.ts';
import { sampledElements } from './window-elements.ts';

export interface FusedKernel {
  kind: KernelKind;
  /** Name of the first node. */
  name: string;
  /** Operators that were fused, in order. */
  ops: string[];
  macs: number;
  /** Data read, weights aside. */
  inputBytes: number;
  outputBytes: number;
  weightBytes: number;
  outputElements: number;
  /** Elements of a convolution's or pool's window; 1 for other kernels. */
  windowElements: number;
  /** Bytes that are copied to turn a convolution into a matrix product (0 for 1 × 1 with stride 1). */
  unfoldedBytes: number;
  /** A convolution as products of matrices: rows and columns of each, and their number (samples × groups); 0 for other kernels. */
  filters: number;
  positions: number;
  products: number;
  /** Steps that have to run one after the other (the length of a recurrent layer's sequence). */
  steps: number;
  /** Computes on 8-bit integers. */
  quantised: boolean;
  /** How often it runs in one run of the model: rounds of the loops around it. All other figures are of one of them. */
  repeats: number;
}

/** Activations that ONNX Runtime fuses into a convolution (conv_activation_fusion.cc) or a Gemm (gemm_activation_fusion.cc). */
const FUSED_ACTIVATIONS = new Set(['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'Clip', 'HardSigmoid']);
class Fuser {
  readonly #graph: OnnxGraph;
  readonly #live: LiveGraph;
  readonly #values: ReadonlyMap<string, Value>;
  readonly #repeats: ReadonlyMap<string, number>;
  readonly #absorbed = new Set<OnnxNode>();

  constructor(graph: OnnxGraph, { live, values, repeats }: RunnableGraph) {
    this.#graph = graph;
    this.#live = live;
    this.#values = values;
    this.#repeats = repeats;
  }

  /** How often a node runs. */
  #repeatsOf(node: OnnxNode): number {
    return this.#repeats.get(firstOutput(node)) ?? 1;
  }

  run(): FusedKernel[] {
    return this.#live.nodes.flatMap((node) => (this.#absorbed.has(node) ? [] : [this.#kernelFrom(node)]));
  }

  #value(name: string): Value {
    return this.#values.get(name) as Value;
  }

  #isConstant(name: string): boolean {
    return this.#value(name).constant;
  }

  /** The one node that reads a node's only output, or null. */
  #onlyReader(node: OnnxNode): OnnxNode | null {
    const name = firstOutput(node);
    const [reader, ...others] = this.#live.readers.get(name) ?? [];
    if (!reader || others.length > 0 || this.#live.outputs.has(name)) return null;
    return this.#repeatsOf(reader) === this.#repeatsOf(node) ? reader : null;
  }

  #canFollow(kind: KernelKind, previous: OnnxNode, next: OnnxNode): boolean {
    if (kind !== 'convolution' && kind !== 'matmul') return false;
    if (FUSED_ACTIVATIONS.has(next.opType)) return true;
    if (next.opType === 'BatchNormalization') return kind === 'convolution' && !FUSED_ACTIVATIONS.has(previous.opType);
    if (next.opType !== 'Add' && next.opType !== 'Mul') return false;
    const others = next.inputs.map(this.#live.resolve).filter((name) => name !== previous.outputs[0]);
    return (
      !FUSED_ACTIVATIONS.has(previous.opType) && others.length > 0 && others.every((name) => this.#isConstant(name))
    );
  }

  #chainFrom(first: OnnxNode): OnnxNode[] {
    const kind = kernelKindOf(first.opType);
    const chain = [first];
    for (let next = this.#onlyReader(first); next; next = this.#onlyReader(next)) {
      if (!this.#canFollow(kind, chain.at(-1) as OnnxNode, next)) break;
      chain.push(next);
      this.#absorbed.add(next);
    }
    return chain;
  }

  #kernelFrom(first: OnnxNode): FusedKernel {
    const chain = this.#chainFrom(first);
    const last = chain.at(-1) as OnnxNode;
    const output = this.#value(firstOutput(last));
    const inner = new Set(chain.flatMap((node) => node.outputs));
    const inputs = [...new Set(chain.flatMap((node) => node.inputs))]
      .filter((name) => name !== '' && !inner.has(name))
      .map((name) => this.#value(this.#live.resolve(name)));
    const sum = (values: readonly Value[]) => values.reduce((total, value) => total + bytesOfValue(value), 0);
    const rule = ruleInput(this.#graph, first, this.#values);
    const data = inputs[0] as Value | undefined;
    const quantised =
      first.opType.startsWith('QLinear') ||
      /Integer|^DynamicQuantize(MatMul|LSTM)|^QGemm/.test(first.opType) ||
      (INTEGER_OPS.has(first.opType) && data !== undefined && isQuantised(data.dtype));
    const window = windowOf(first, rule, output);
    const kind = kindOf(first, rule.inputs);
    const products = kind === 'convolution' ? productsOf(first, output) : NO_PRODUCTS;
    return {
      kind,
      name: first.name,
      ops: chain.map((node) => node.opType),
      macs: macsOfNode(rule, this.#value(firstOutput(first))),
      inputBytes: sum(inputs.filter((value) => !value.constant)),
      outputBytes: bytesOfValue(output),
      weightBytes: sum(inputs.filter((value) => value.constant)),
      outputElements: elementsOf(output.shape),
      windowElements: window.elements,
      unfoldedBytes: kind === 'convolution' ? unfoldedBytes(window, rule.inputs, output, quantised) : 0,
      ...products,
      steps: kind === 'recurrent' ? recurrentSizes(rule).length : 1,
      quantised,
      repeats: this.#repeatsOf(first),
    };
  }
}

interface Window {
  elements: number;
  strided: boolean;
}

function weightOf(node: OnnxNode, inputs: readonly (Value | null)[]): Value | null {
  return inputs[node.opType === 'QLinearConv' ? 3 : 1] ?? null;
}

const NO_WINDOW: Window = { elements: 1, strided: false };

function windowOf(node: OnnxNode, rule: RuleInput, output: Value): Window {
  const { inputs } = rule;
  const kind = kernelKindOf(node.opType);
  const sampled = sampledElements(rule, output);
  if (sampled !== null) return { elements: sampled, strided: false };
  if (kind !== 'convolution' && kind !== 'pool') return NO_WINDOW;
  if (/Global/.test(node.opType))
    return { elements: elementsOf((inputs[0] as Value).shape) / elementsOf(output.shape), strided: false };
  const kernel = kind === 'convolution' ? weightOf(node, inputs)?.shape.slice(2) : intsAttribute(node, 'kernel_shape');
  const strided = (intsAttribute(node, 'strides') ?? []).some((stride) => stride > 1);
  return { elements: elementsOf(kernel ?? []), strided };
}

function groupsOf(node: OnnxNode): number {
  return intAttribute(node, 'group', 1);
}

function kindOf(node: OnnxNode, inputs: readonly (Value | null)[]): KernelKind {
  const kind = kernelKindOf(node.opType);
  const isDepthwise = kind === 'convolution' && groupsOf(node) > 1 && weightOf(node, inputs)?.shape[1] === 1;
  return isDepthwise ? 'depthwise' : kind;
}

type Products = Pick<FusedKernel, 'filters' | 'positions' | 'products'>;
const NO_PRODUCTS: Products = { filters: 0, positions: 0, products: 0 };

function productsOf(node: OnnxNode, { shape: [samples = 1, channels = 1, ...pixels] }: Value): Products {
  const groups = groupsOf(node);
  return { filters: channels / groups, positions: elementsOf(pixels), products: samples * groups };
}

function unfoldedBytes(window: Window, inputs: readonly (Value | null)[], output: Value, quantised: boolean): number {
  const channels = inputs[0]?.shape[1] ?? 0;
  if (window.elements === 1 && !window.strided) return 0;
  const positions = (output.shape[0] ?? 1) * elementsOf(output.shape.slice(2));
  return positions * channels * window.elements * (quantised ? 1 : 4);
}

/** A graph whose values are sized, as `sizeGraph` leaves it, with its quantisers collapsed. */
export interface RunnableGraph {
  live: LiveGraph;
  values: ReadonlyMap<string, Value>;
  /** By value: how often what makes it runs, where that is not once. */
  repeats: ReadonlyMap<string, number>;
}

/** The kernels that run, in order. */
export function fuseKernels(graph: OnnxGraph, runnable: RunnableGraph): FusedKernel[] {
  return new Fuser(graph, runnable).run();
}
