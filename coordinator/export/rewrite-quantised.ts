/** Rewrites a decoded float model by a plan: integers for weights, QuantizeLinear and DequantizeLinear between kernels. */
import type { OnnxNode } from '@edgetune/shared/onnx/graph.ts';
import type { OnnxMessage } from './encode-onnx.ts';
import {
  type Affine,
  largestMagnitudes,
  quantiseBias,
  quantiseWeights,
  weightScale,
} from './quantisation-parameters.ts';
import type { Contraction, QuantisationPlan } from './quantisation-plan.ts';

/** ONNX's numbers of tensor and attribute types (onnx.proto3). */
const TYPE = { float: 1, uint8: 2, int8: 3, int32: 6 } as const;
const INT_ATTRIBUTE = 2;

/** DequantizeLinear has an axis since this operator set (https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html). */
const PER_CHANNEL_OPSET = 13;
/** Older models get ONNX Runtime's own operators of the same names, as with its quantiser's `UseQDQContribOps`. */
const RUNTIME_DOMAIN = 'com.microsoft';

/** @param parameters of every tensor of the plan */
export function rewriteQuantised(
  model: OnnxMessage,
  plan: QuantisationPlan,
  parameters: ReadonlyMap<string, Affine>,
): OnnxMessage {
  return new Rewriter(model, plan, parameters).run();
}

class Rewriter {
  readonly #model: OnnxMessage;
  readonly #graph: OnnxMessage;
  readonly #plan: QuantisationPlan;
  readonly #parameters: ReadonlyMap<string, Affine>;
  readonly #nodes: OnnxMessage[] = [];
  readonly #initializers: OnnxMessage[] = [];
  readonly #taken: Set<string>;
  /** Of the operators that are added. */
  readonly #domain: string;
  /** What stands for a tensor of the plan once it was an integer. */
  readonly #dequantised = new Map<string, string>();

  constructor(model: OnnxMessage, plan: QuantisationPlan, parameters: ReadonlyMap<string, Affine>) {
    this.#model = model;
    this.#graph = model.graph as OnnxMessage;
    this.#plan = plan;
    this.#parameters = parameters;
    const imports = (model.opsetImports ?? []) as OnnxMessage[];
    const opset = imports.find(({ domain }) => !domain || domain === 'ai.onnx')?.version ?? 1;
    this.#domain = Number(opset) < PER_CHANNEL_OPSET ? RUNTIME_DOMAIN : '';
    const names = (messages: unknown) => ((messages ?? []) as OnnxMessage[]).map(({ name }) => name as string);
    this.#taken = new Set([
      ...names(this.#graph.inputs),
      ...names(this.#graph.initializers),
      ...(this.#graph.nodes as OnnxMessage[]).flatMap((node) => node.outputs as string[]),
    ]);
  }

  run(): OnnxMessage {
    const { contractions, absorbed } = this.#plan;
    const byOutput = new Map([...contractions].map(([node, contraction]) => [outputOf(node), contraction]));
    const gone = new Set([...absorbed.keys()].map(outputOf));
    const renamed = new Map([...absorbed].map(([activation, node]) => [outputOf(node), outputOf(activation)]));
    for (const { name } of this.#graph.inputs as OnnxMessage[]) this.#passThrough(name as string, name as string);
    for (const node of this.#graph.nodes as OnnxMessage[]) {
      const [output = '', ...others] = (node.outputs ?? []) as string[];
      if (gone.has(output)) continue;
      const contraction = byOutput.get(output);
      const read = (node.inputs ?? []) as string[];
      const inputs = read.map((name) => this.#dequantised.get(name) ?? name);
      const result = renamed.get(output) ?? output;
      const produced = this.#parameters.has(result) && this.#isOutput(result) ? this.#free(`${result}_float`) : result;
      this.#nodes.push({
        ...node,
        inputs: contraction ? this.#integerInputs(contraction, read[0] as string, inputs) : inputs,
        outputs: [produced, ...others],
      });
      this.#passThrough(result, produced);
      for (const other of others) this.#passThrough(other, other);
    }
    return this.#finish();
  }

  /** Makes integers of a tensor and reals of the integers, for whoever reads it from here on. */
  #passThrough(tensor: string, produced: string): void {
    const parameters = this.#parameters.get(tensor);
    if (!parameters) return;
    const scale = this.#add(`${tensor}_scale`, [], TYPE.float, Float32Array.of(parameters.scale));
    const zeroPoint = this.#add(`${tensor}_zero_point`, [], TYPE.uint8, Uint8Array.of(parameters.zeroPoint));
    const integers = this.#node('QuantizeLinear', [produced, scale, zeroPoint], this.#free(`${tensor}_quantised`));
    // A graph's output keeps its name.
    const reals = tensor === produced ? this.#free(`${tensor}_dequantised`) : tensor;
    this.#node('DequantizeLinear', [integers, scale, zeroPoint], reals);
    this.#dequantised.set(tensor, reals);
  }

  #integerInputs({ weight, bias, channelAxis }: Contraction, data: string, inputs: readonly string[]): string[] {
    const dataScale = (this.#parameters.get(data) as Affine).scale;
    const values = weight.read() as number[];
    const shift = bias?.read() ?? null;
    const largestShift = Math.max(0, ...(shift ?? []).map(Math.abs));
    const scales = largestMagnitudes(values, weight.dims, channelAxis).map((magnitude, channel) =>
      weightScale(magnitude, channelAxis === null ? largestShift : (shift?.[channel] ?? 0), dataScale),
    );
    const integers = quantiseWeights(values, weight.dims, channelAxis, scales);
    const reals = [
      inputs[0] as string,
      this.#constant(weight.name, weight.dims, TYPE.int8, integers, scales, channelAxis),
    ];
    if (!bias || !shift) return reals;
    const sums = scales.map((scale) => Math.fround(scale * dataScale));
    const steps = Int32Array.from(shift, (value, channel) =>
      quantiseBias(value, sums[channelAxis === null ? 0 : channel] as number),
    );
    const axis = channelAxis === null ? null : 0;
    return [...reals, this.#constant(bias.name, [shift.length], TYPE.int32, steps, sums, axis)];
  }

  /** Integers that are constant, and the node that makes reals of them; returns the reals' name. */
  #constant(
    name: string,
    dims: readonly number[],
    type: typeof TYPE.int8 | typeof TYPE.int32,
    integers: Int8Array | Int32Array,
    scales: Float32Array,
    axis: number | null,
  ): string {
    const shape = axis === null ? [] : [scales.length];
    const zeros = type === TYPE.int8 ? new Int8Array(scales.length) : new Int32Array(scales.length);
    const inputs = [
      this.#add(`${name}_quantised`, dims, type, integers),
      this.#add(`${name}_scale`, shape, TYPE.float, scales),
      this.#add(`${name}_zero_point`, shape, type, zeros),
    ];
    return this.#node('DequantizeLinear', inputs, this.#free(`${name}_dequantised`), axis);
  }

  #add(name: string, dims: readonly number[], dataType: number, values: NodeJS.TypedArray): string {
    const free = this.#free(name);
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name: free, dims, dataType, rawData });
    return free;
  }

  #node(opType: string, inputs: readonly string[], output: string, axis: number | null = null): string {
    const attributes = axis === null ? [] : [{ name: 'axis', type: INT_ATTRIBUTE, i: axis }];
    const domain = this.#domain;
    this.#nodes.push({ name: `${output}_${opType}`, opType, domain, inputs, outputs: [output], attributes });
    return output;
  }

  #isOutput(name: string): boolean {
    return (this.#graph.outputs as OnnxMessage[]).some((output) => output.name === name);
  }

  #free(name: string): string {
    let free = name;
    while (this.#taken.has(free)) free += '_';
    this.#taken.add(free);
    return free;
  }

  /** Without the float weights that nobody reads any more, and the operator sets that nobody uses. */
  #finish(): OnnxMessage {
    const read = new Set(this.#nodes.flatMap(namesRead));
    const isRead = ({ name }: OnnxMessage) => read.has(name as string) || this.#isOutput(name as string);
    const kept = ((this.#graph.initializers ?? []) as OnnxMessage[]).filter(isRead);
    return {
      ...this.#model,
      opsetImports: this.#imports(),
      graph: {
        ...this.#graph,
        nodes: this.#nodes,
        initializers: [...kept, ...this.#initializers],
      },
    };
  }

  #imports(): OnnxMessage[] {
    const used = new Set(this.#nodes.flatMap(domainsUsed));
    const imports = (this.#model.opsetImports as OnnxMessage[]).filter(
      ({ domain = '' }) => domain !== RUNTIME_DOMAIN && used.has(domain === 'ai.onnx' ? '' : domain),
    );
    return used.has(RUNTIME_DOMAIN) ? [...imports, { domain: RUNTIME_DOMAIN, version: 1 }] : imports;
  }
}

function outputOf(node: OnnxNode): string {
  return node.outputs[0] as string;
}

function subgraphsOf(node: OnnxMessage): OnnxMessage[] {
  return ((node.attributes ?? []) as OnnxMessage[]).flatMap(({ g, graphs }) => [
    ...(g ? [g as OnnxMessage] : []),
    ...((graphs ?? []) as OnnxMessage[]),
  ]);
}

/** Names that a node and the graphs inside it read. */
function namesRead(node: OnnxMessage): string[] {
  const inner = subgraphsOf(node).flatMap((graph) => [
    ...((graph.nodes ?? []) as OnnxMessage[]).flatMap(namesRead),
    ...((graph.outputs ?? []) as OnnxMessage[]).map(({ name }) => name as string),
  ]);
  return [...((node.inputs ?? []) as string[]), ...inner];
}

function domainsUsed(node: OnnxMessage): unknown[] {
  const inner = subgraphsOf(node).flatMap((graph) => ((graph.nodes ?? []) as OnnxMessage[]).flatMap(domainsUsed));
  return [node.domain ?? '', ...inner];
}
