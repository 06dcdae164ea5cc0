/** Rewrites a decoded float model by a plan: integers for weights, QuantizeLinear and DequantizeLinear between kernels. */
import type { OnnxNode, OnnxTensor } from '@edgetune/shared/onnx/graph.ts';
import { correctedBias } from './correct-bias.ts';
import type { OnnxMessage } from './encode-onnx.ts';
import {
  constant,
  FreeNames,
  intAttribute,
  isOnnxDomain,
  namesRead,
  RUNTIME_DOMAIN,
  subgraphsOf,
  TYPE,
} from './graph-edit.ts';
import {
  type Affine,
  quantiseBias,
  quantiseWeights,
  reachOf,
  tableScales,
  weightScale,
} from './quantisation-parameters.ts';
import type { Contraction, QuantisationPlan } from './quantisation-plan.ts';

/** What was observed of the tensors of a plan. */
export interface Calibration {
  /** Of every tensor of the plan. */
  parameters: ReadonlyMap<string, Affine>;
  /** Of the data of contractions: the mean of each channel that their weights meet. */
  means: ReadonlyMap<OnnxNode, Float64Array>;
  /** By how much the scales of weights are larger than they need be. */
  widening: number;
}

export function rewriteQuantised(model: OnnxMessage, plan: QuantisationPlan, calibration: Calibration): OnnxMessage {
  return new Rewriter(model, plan, calibration).run();
}

/** A contraction's constants as integers, with their scales. */
interface Factors {
  weights: Int8Array;
  scales: Float32Array;
  /** Null: it has none. */
  bias: Float64Array | null;
}

class Rewriter {
  readonly #model: OnnxMessage;
  readonly #graph: OnnxMessage;
  readonly #plan: QuantisationPlan;
  readonly #calibration: Calibration;
  readonly #nodes: OnnxMessage[] = [];
  readonly #initializers: OnnxMessage[] = [];
  readonly #names: FreeNames;
  readonly #outputs: ReadonlySet<unknown>;
  /** What stands for a tensor of the plan once it was an integer: the reals, which kernels on integers read … */
  readonly #dequantised = new Map<string, string>();
  /** … and everybody, unless a kernel in floats has made the tensor: then that is better, and there anyway … */
  readonly #rounded = new Map<string, string>();
  /** … and the integers, their scale and their zero point. */
  readonly #integers = new Map<string, readonly [integers: string, scale: string, zeroPoint: string]>();

  constructor(model: OnnxMessage, plan: QuantisationPlan, calibration: Calibration) {
    this.#model = model;
    this.#graph = model.graph as OnnxMessage;
    this.#plan = plan;
    this.#calibration = calibration;
    this.#names = new FreeNames(this.#graph);
    this.#outputs = new Set((this.#graph.outputs as OnnxMessage[]).map(({ name }) => name));
  }

  run(): OnnxMessage {
    const { contractions, onIntegers, embeddings, absorbed } = this.#plan;
    const byOutput = new Map([...contractions].map((entry) => [outputOf(entry[0]), entry]));
    const tables = new Map([...embeddings].map(([node, table]) => [outputOf(node), table]));
    const kernels = new Set([...onIntegers].map(outputOf));
    const gone = new Set([...absorbed.keys()].map(outputOf));
    const renamed = new Map([...absorbed].map(([node, by]) => [outputOf(by), outputOf(node)]));
    for (const { name } of this.#graph.inputs as OnnxMessage[]) this.#passThrough(name as string, name as string, true);
    for (const node of this.#graph.nodes as OnnxMessage[]) {
      const [output = '', ...others] = (node.outputs ?? []) as string[];
      if (gone.has(output)) continue;
      const result = renamed.get(output) ?? output;
      const [contracting, contraction] = byOutput.get(output) ?? [];
      const isFloat = !kernels.has(output) || contraction?.form === 'MatMulIntegerToFloat';
      const isCut = !isFloat && this.#calibration.parameters.has(result) && this.#outputs.has(result);
      const produced = isCut ? this.#names.take(`${result}_float`) : result;
      const table = tables.get(output);
      if (contracting && contraction) this.#contract(node, contracting, contraction, produced);
      else if (table) this.#lookUp(node, table, produced);
      else {
        const known = kernels.has(output) ? this.#dequantised : this.#rounded;
        const inputs = ((node.inputs ?? []) as string[]).map((name) => known.get(name) ?? name);
        this.#nodes.push({ ...node, inputs, outputs: [produced, ...others] });
      }
      this.#passThrough(result, produced, isFloat);
      for (const other of others) this.#passThrough(other, other, isFloat);
    }
    return this.#finish();
  }

  /** Makes integers of a tensor and reals of the integers. @param isFloat whether a kernel in floats, or a caller, has made it */
  #passThrough(tensor: string, produced: string, isFloat: boolean): void {
    const parameters = this.#calibration.parameters.get(tensor);
    if (!parameters) return;
    const scale = this.#add(`${tensor}_scale`, [], TYPE.float, Float32Array.of(parameters.scale));
    const zeroPoint = this.#add(`${tensor}_zero_point`, [], TYPE.uint8, Uint8Array.of(parameters.zeroPoint));
    const integers = this.#names.take(`${tensor}_quantised`);
    this.#node('QuantizeLinear', [produced, scale, zeroPoint], integers);
    this.#integers.set(tensor, [integers, scale, zeroPoint]);
    // A graph's output keeps its name.
    const reals = tensor === produced ? this.#names.take(`${tensor}_dequantised`) : tensor;
    this.#node('DequantizeLinear', [integers, scale, zeroPoint], reals);
    this.#dequantised.set(tensor, reals);
    if (!isFloat) this.#rounded.set(tensor, reals);
  }

  #contract(node: OnnxMessage, read: OnnxNode, contraction: Contraction, output: string): void {
    const { form, weight, bias, channelAxis } = contraction;
    const data = read.inputs[0] as string;
    const { scale: dataScale } = this.#calibration.parameters.get(data) as Affine;
    const factors = this.#factorsOf(read, contraction, dataScale);
    const weights = this.#weights(weight, factors, channelAxis);
    const biasName = bias?.name ?? `${weight.name}_bias`;
    if (form === 'MatMulIntegerToFloat') {
      const [integers, scale, zeroPoint] = this.#integers.get(data) as readonly [string, string, string];
      const [weightIntegers, weightScales, weightZeros] = weights;
      const inputs = [integers, weightIntegers, scale, weightScales, zeroPoint, weightZeros];
      if (factors.bias)
        inputs.push(this.#add(biasName, [factors.bias.length], TYPE.float, Float32Array.from(factors.bias)));
      this.#nodes.push({ name: node.name ?? '', opType: form, domain: RUNTIME_DOMAIN, inputs, outputs: [output] });
      return;
    }
    const inputs = [this.#dequantised.get(data) as string, this.#dequantise(weight.name, weights, channelAxis)];
    if (factors.bias) {
      const sums = factors.scales.map((scale) => Math.fround(scale * dataScale));
      const steps = Int32Array.from(factors.bias, (value, channel) =>
        quantiseBias(value, sums[channelAxis === null ? 0 : channel] as number),
      );
      const shape = channelAxis === null ? [] : [sums.length];
      const constants = [
        this.#add(`${biasName}_quantised`, [steps.length], TYPE.int32, steps),
        this.#add(`${biasName}_scale`, shape, TYPE.float, sums),
        this.#add(`${biasName}_zero_point`, shape, TYPE.int32, new Int32Array(sums.length)),
      ];
      inputs.push(this.#dequantise(biasName, constants, channelAxis === null ? null : 0));
    }
    this.#nodes.push({ ...node, opType: form, inputs, outputs: [output] });
  }

  #factorsOf(read: OnnxNode, { form, weight, bias, channelAxis }: Contraction, dataScale: number): Factors {
    const values = weight.read() as number[];
    const shift = bias?.read() ?? null;
    const largestShift = Math.max(0, ...(channelAxis === null ? (shift ?? []).map(Math.abs) : []));
    const scales = Float32Array.from(reachOf(values, weight.dims, channelAxis), (reach, channel) => {
      const own = channelAxis === null ? largestShift : (shift?.[channel] ?? 0);
      const { widening } = this.#calibration;
      const widened = { single: widening * reach.single, pair: widening * reach.pair };
      return weightScale(widened, form === 'MatMulIntegerToFloat' ? 0 : own, dataScale);
    });
    const weights = quantiseWeights(values, weight.dims, channelAxis, scales);
    const means = this.#calibration.means.get(read);
    if (!means || channelAxis === null) return { weights, scales, bias: shift && Float64Array.from(shift) };
    const rounded = { values, dims: weight.dims, axis: channelAxis, weights, scales };
    return { weights, scales, bias: correctedBias(read, rounded, shift, means) };
  }

  /** Rows of integers, and reals of those that were looked up. */
  #lookUp(node: OnnxMessage, table: OnnxTensor, output: string): void {
    const values = table.read() as number[];
    const scales = tableScales(values, table.dims);
    const axis = table.dims.length - 1;
    const weights = quantiseWeights(values, table.dims, axis, scales);
    const [integers, ...parameters] = this.#weights(table, { weights, scales }, axis);
    const rows = this.#names.take(`${output}_quantised`);
    const [, indices = ''] = (node.inputs ?? []) as string[];
    this.#nodes.push({ ...node, inputs: [integers, indices], outputs: [rows] });
    this.#node('DequantizeLinear', [rows, ...parameters], output, -1);
  }

  /** Names of integers, their scales and zero points. */
  #weights(
    { name, dims }: OnnxTensor,
    { weights, scales }: Pick<Factors, 'weights' | 'scales'>,
    axis: number | null,
  ): [string, string, string] {
    const shape = axis === null ? [] : [scales.length];
    return [
      this.#add(`${name}_quantised`, dims, TYPE.int8, weights),
      this.#add(`${name}_scale`, shape, TYPE.float, scales),
      this.#add(`${name}_zero_point`, shape, TYPE.int8, new Int8Array(scales.length)),
    ];
  }

  /** The node that makes reals of constants; returns the reals' name. */
  #dequantise(name: string, constants: readonly string[], axis: number | null): string {
    const reals = this.#names.take(`${name}_dequantised`);
    this.#node('DequantizeLinear', constants, reals, axis);
    return reals;
  }

  #add(name: string, dims: readonly number[], dataType: number, values: NodeJS.TypedArray): string {
    const free = this.#names.take(name);
    this.#initializers.push(constant(free, dims, dataType, values));
    return free;
  }

  #node(opType: string, inputs: readonly string[], output: string, axis: number | null = null): void {
    const attributes = axis === null ? [] : [intAttribute('axis', axis)];
    this.#nodes.push({ name: `${output}_${opType}`, opType, inputs, outputs: [output], attributes });
  }

  /** Without reals and float weights that nobody reads, which would be computed all the same, and unused operator sets. */
  #finish(): OnnxMessage {
    const read = new Set(this.#nodes.flatMap(namesRead));
    const isRead = (name: unknown) => read.has(name as string) || this.#outputs.has(name);
    const isNeeded = ({ opType, outputs }: OnnxMessage) =>
      opType !== 'DequantizeLinear' || isRead((outputs as string[])[0]);
    const kept = ((this.#graph.initializers ?? []) as OnnxMessage[]).filter(({ name }) => isRead(name));
    return {
      ...this.#model,
      opsetImports: this.#imports(),
      graph: {
        ...this.#graph,
        nodes: this.#nodes.filter(isNeeded),
        initializers: [...kept, ...this.#initializers],
      },
    };
  }

  #imports(): OnnxMessage[] {
    const used = new Set(this.#nodes.flatMap(domainsUsed));
    const imports = (this.#model.opsetImports as OnnxMessage[]).filter(
      ({ domain = '' }) => domain !== RUNTIME_DOMAIN && used.has(isOnnxDomain(domain) ? '' : domain),
    );
    return used.has(RUNTIME_DOMAIN) ? [...imports, { domain: RUNTIME_DOMAIN, version: 1 }] : imports;
  }
}

function outputOf(node: OnnxNode): string {
  return node.outputs[0] as string;
}

function domainsUsed(node: OnnxMessage): unknown[] {
  const inner = subgraphsOf(node).flatMap((graph) => ((graph.nodes ?? []) as OnnxMessage[]).flatMap(domainsUsed));
  return [node.domain ?? '', ...inner];
}
