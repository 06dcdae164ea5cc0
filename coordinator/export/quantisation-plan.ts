/**
 * Which nodes of a float graph become 8-bit ones, and which tensors stand between them as 8-bit integers: those for
 * which ONNX Runtime has integer kernels behind DequantizeLinear → operator → QuantizeLinear (onnxruntime/core/optimizer/
 * qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc, CPU execution provider).
 */
import {
  intAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  opsetOf,
  stringAttribute,
} from '@edgetune/shared/onnx/graph.ts';

/** A Conv, Gemm or MatMul whose second factor is constant. */
export interface Contraction {
  /** What it is written as. A product of matrices is a Gemm, as ONNX Runtime makes one of it before it looks for integers. */
  form: 'Conv' | 'Gemm' | 'MatMulIntegerToFloat';
  weight: OnnxTensor;
  /** Null: none. */
  bias: OnnxTensor | null;
  /** Axis of the weight that has a scale per index; null: one scale for all of it. */
  channelAxis: number | null;
}

export interface QuantisationPlan {
  contractions: ReadonlyMap<OnnxNode, Contraction>;
  /** Nodes that read integers, contractions among them, and those whose results are integers where they are in `tensors`. */
  onIntegers: ReadonlySet<OnnxNode>;
  /** Nodes that look up rows of a constant table. */
  embeddings: ReadonlyMap<OnnxNode, OnnxTensor>;
  /** Values that become 8-bit integers, in the order in which they come to be. */
  tensors: readonly string[];
  /** Tensors of which an operator only moves the values: they share the parameters of another. */
  sharing: ReadonlyMap<string, string>;
  /**
   * What another node does, with that node: a bias that is added to a product, an activation that the range of the integers
   * already performs. In the order in which the values pass them.
   */
  absorbed: ReadonlyMap<OnnxNode, OnnxNode>;
  /** Results of convolutions that leave the integers, and lead to no other kernel that needs them. */
  heads: readonly { node: OnnxNode; tensor: string }[];
}

/** What is known of the graph beside its text. */
export interface PlanOptions {
  /** How many axes tensors have, by name, as far as it is known. */
  ranks?: ReadonlyMap<string, number>;
  /** Names of outputs of nodes that are to stay float. */
  float?: ReadonlySet<string>;
}

/** The result is of another range than the operands. */
const COMPUTING = new Set(['Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool', 'Sigmoid', 'LeakyRelu']);
/** The result holds the operand's values. */
const MOVING = new Set('MaxPool Flatten Reshape Squeeze Transpose Unsqueeze Slice Split Expand Tile Resize'.split(' '));
/** Performed by the range of the integers, where it alone reads what it is applied to. */
const BOUNDS = new Set(['Relu', 'Clip']);

/** MaxPool takes 8-bit integers since this operator set. */
const INTEGER_POOL_OPSET = 12;
/** A smaller table of embeddings saves less than the nodes and scales cost that are added. */
const SMALLEST_TABLE = 1024;

export function planQuantisation(graph: OnnxGraph, options: PlanOptions = {}): QuantisationPlan {
  return new Planner(graph, options).run();
}

class Planner {
  readonly #graph: OnnxGraph;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #float: ReadonlySet<string>;
  readonly #readers = new Map<string, OnnxNode[]>();
  /** Names that are read from outside the main graph's nodes: they have to stay. */
  readonly #escaping: ReadonlySet<string>;
  readonly #contractions = new Map<OnnxNode, Contraction>();
  /** Of products, the additions of their biases. */
  readonly #sums = new Map<OnnxNode, OnnxNode>();
  readonly #embeddings = new Map<OnnxNode, OnnxTensor>();
  readonly #tensors = new Set<string>();
  readonly #onIntegers = new Set<OnnxNode>();
  readonly #sharing = new Map<string, string>();
  readonly #absorbed = new Map<OnnxNode, OnnxNode>();
  readonly #heads: { node: OnnxNode; tensor: string }[] = [];
  /** Values that lead to a contraction, through integer kernels at most … */
  readonly #leading = new Set<string>();
  /** … and those that become its data as they are. */
  readonly #becomingData = new Set<string>();

  constructor(graph: OnnxGraph, { ranks = new Map(), float = new Set() }: PlanOptions) {
    this.#graph = graph;
    this.#ranks = ranks;
    this.#float = float;
    for (const node of graph.nodes)
      for (const name of new Set(node.inputs)) this.#readers.set(name, [...(this.#readers.get(name) ?? []), node]);
    this.#escaping = new Set([...graph.outputs.map(({ name }) => name), ...graph.nodes.flatMap(namesInSubgraphs)]);
  }

  run(): QuantisationPlan {
    for (const node of this.#graph.nodes) {
      if (node.domain !== '' || this.#float.has(node.outputs[0] as string)) continue;
      const contraction = this.#contractionOf(node);
      if (contraction) this.#contractions.set(node, contraction);
      const table = this.#tableOf(node);
      if (table) this.#embeddings.set(node, table);
    }
    this.#lookAhead();
    const wanted = new Set([...this.#contractions.keys()].map(({ inputs }) => inputs[0] as string));
    for (const { name } of this.#graph.inputs) if (wanted.has(name)) this.#tensors.add(name);
    for (const node of this.#graph.nodes) {
      const contracts = this.#contractions.has(node);
      const computes = !contracts && this.#computesIntegers(node);
      const moves = !contracts && !computes && this.#movesIntegers(node);
      if (contracts) this.#planContraction(node);
      else if (computes) this.#quantiseOutput(node, node);
      else if (moves) this.#shareOutputs(node);
      if (contracts || computes || moves) this.#onIntegers.add(node);
      for (const name of node.outputs) if (wanted.has(name)) this.#tensors.add(name);
    }
    return {
      contractions: this.#contractions,
      onIntegers: this.#onIntegers,
      embeddings: this.#embeddings,
      tensors: [...this.#tensors],
      sharing: this.#sharing,
      absorbed: this.#absorbed,
      heads: this.#heads,
    };
  }

  #contractionOf(node: OnnxNode): Contraction | null {
    if (!['Conv', 'Gemm', 'MatMul'].includes(node.opType)) return null;
    const [data = '', weightName = '', biasName = ''] = node.inputs;
    const weight = this.#constant(weightName);
    if (!weight || this.#graph.initializers.has(data)) return null;
    const axis = channelAxisOf(node, weight);
    const channels = axis === null ? 1 : (weight.dims[axis] as number);
    if (node.opType === 'MatMul') {
      const isMatrix = this.#ranks.get(data) === 2 && weight.dims.length === 2;
      const sum = axis === null ? null : this.#biasAfter(node, channels);
      if (sum) this.#sums.set(node, sum.node);
      const form = isMatrix ? 'Gemm' : 'MatMulIntegerToFloat';
      return { form, weight, bias: sum?.bias ?? null, channelAxis: axis };
    }
    const bias = this.#constant(biasName);
    if (biasName !== '' && !isRow(bias, channels)) return null;
    if (node.opType === 'Gemm' && !isPlain(node)) return null;
    return { form: node.opType as 'Conv' | 'Gemm', weight, bias, channelAxis: axis };
  }

  /** The Add of a constant for each column that alone reads a product. */
  #biasAfter(node: OnnxNode, channels: number): { node: OnnxNode; bias: OnnxTensor } | null {
    const product = node.outputs[0] as string;
    const reader = this.#onlyReader(product);
    if (reader?.opType !== 'Add' || reader.domain !== '' || this.#float.has(reader.outputs[0] as string)) return null;
    const bias = this.#constant(reader.inputs.find((name) => name !== product) ?? '');
    return bias && isRow(bias, channels) ? { node: reader, bias } : null;
  }

  #tableOf(node: OnnxNode): OnnxTensor | null {
    if (node.opType !== 'Gather' || intAttribute(node, 'axis', 0) !== 0) return null;
    const table = this.#constant(node.inputs[0] as string);
    return table && table.dims.length >= 2 && table.elementCount >= SMALLEST_TABLE ? table : null;
  }

  #constant(name: string): OnnxTensor | null {
    const tensor = this.#graph.initializers.get(name);
    return tensor?.dtype === 'float32' ? tensor : null;
  }

  /** From the end to the beginning: what leads where. */
  #lookAhead(): void {
    for (const node of this.#graph.nodes.toReversed()) {
      const data = node.inputs[0] as string;
      if (this.#contractions.has(node)) {
        this.#leading.add(data);
        this.#becomingData.add(data);
      } else if (node.domain === '') {
        const moves = MOVING.has(node.opType) || BOUNDS.has(node.opType);
        if (moves && node.outputs.some((name) => this.#becomingData.has(name))) this.#becomingData.add(data);
        if ((moves || COMPUTING.has(node.opType)) && node.outputs.some((name) => this.#leading.has(name)))
          for (const name of moves ? [data] : node.inputs) this.#leading.add(name);
      }
    }
  }

  #planContraction(node: OnnxNode): void {
    const { form } = this.#contractions.get(node) as Contraction;
    const last = this.#sums.get(node) ?? node;
    if (last !== node) this.#absorbed.set(last, node);
    const result = (this.#activationAfter(last) ?? last).outputs[0] as string;
    // A matrix product may hand on what it computes as float: it is rounded only where the next one needs it.
    if (form !== 'Conv' && !this.#becomingData.has(result)) return;
    this.#quantiseOutput(last, node);
    if (form === 'Conv' && !this.#leading.has(result)) this.#heads.push({ node, tensor: result });
  }

  /** @param by the node that does what `node` and an activation behind it do */
  #quantiseOutput(node: OnnxNode, by: OnnxNode): void {
    const activation = this.#activationAfter(node);
    if (activation) this.#absorbed.set(activation, by);
    this.#tensors.add((activation ?? node).outputs[0] as string);
  }

  #shareOutputs(node: OnnxNode): void {
    const from = node.inputs[0] as string;
    for (const to of node.outputs) {
      this.#sharing.set(to, this.#sharing.get(from) ?? from);
      this.#tensors.add(to);
    }
  }

  /** A Relu or Clip that alone reads the node's output: integers that cannot be below or above its bounds replace it. */
  #activationAfter(node: OnnxNode): OnnxNode | null {
    const output = node.outputs[0] as string;
    const reader = this.#onlyReader(output);
    if (reader?.inputs[0] !== output) return null;
    return reader.opType === 'Relu' || this.#isClipAroundZero(reader) ? reader : null;
  }

  #onlyReader(name: string): OnnxNode | null {
    const [reader, ...others] = this.#readers.get(name) ?? [];
    return reader && others.length === 0 && !this.#escaping.has(name) ? reader : null;
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

  /** Values that no integer kernel needs any more keep what resolution they have: they are computed with as float. */
  #computesIntegers(node: OnnxNode): boolean {
    if (node.domain !== '' || !COMPUTING.has(node.opType) || this.#float.has(node.outputs[0] as string)) return false;
    const result = (this.#activationAfter(node) ?? node).outputs[0] as string;
    return this.#leading.has(result) && node.inputs.every((name) => this.#tensors.has(name));
  }

  #movesIntegers(node: OnnxNode): boolean {
    const { domain, opType, outputs } = node;
    if (domain !== '' || !MOVING.has(opType) || (outputs.length !== 1 && opType !== 'Split')) return false;
    if (opType === 'MaxPool' && opsetOf(this.#graph) < INTEGER_POOL_OPSET) return false;
    // Between pixels there is more than a step of theirs; and only the next kernel is worth rounding it.
    if (opType === 'Resize' && (stringAttribute(node, 'mode', 'nearest') === 'cubic' || !this.#leadsOn(outputs)))
      return false;
    return this.#tensors.has(node.inputs[0] as string);
  }

  #leadsOn(names: readonly string[]): boolean {
    return names.some((name) => this.#leading.has(name));
  }
}

function channelAxisOf(node: OnnxNode, weight: OnnxTensor): number | null {
  if (node.opType === 'Conv') return 0;
  if (weight.dims.length !== 2) return null;
  return node.opType === 'Gemm' && intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
}

/** One value for each column. */
function isRow(tensor: OnnxTensor | null, columns: number): boolean {
  return tensor?.elementCount === columns && tensor.dims.at(-1) === columns;
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
