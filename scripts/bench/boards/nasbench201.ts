/** NAS-Bench-201 architectures (Dong & Yang, 2020, https://arxiv.org/abs/2001.00326) as ONNX files, from `arch_str`. */
import { buildOnnx, type NodeSpec, type TensorSpec } from '../../../test/support/onnx-builder.ts';

const CELLS_PER_STAGE = 5;
const STAGE_CHANNELS = [16, 32, 64];
const EDGE_OPS = ['none', 'skip_connect', 'nor_conv_1x1', 'nor_conv_3x3', 'avg_pool_3x3'] as const;
type EdgeOp = (typeof EDGE_OPS)[number];

interface Edge {
  op: EdgeOp;
  from: number;
}

/** The edges into each of a cell's three nodes. @throws {RangeError} where the text is not an architecture */
export function parseArchitecture(text: string): Edge[][] {
  const nodes = text.split('+').map((node) =>
    node
      .split('|')
      .filter((edge) => edge !== '')
      .map((edge) => {
        const [op, from] = edge.split('~');
        if (!EDGE_OPS.includes(op as EdgeOp)) throw new RangeError(`"${edge}" is not an edge of NAS-Bench-201`);
        return { op: op as EdgeOp, from: Number(from) };
      }),
  );
  if (nodes.length !== 3) throw new RangeError(`"${text}" is not an architecture of NAS-Bench-201`);
  return nodes;
}

/** Nodes of a cell (0 is its input) that both get data and reach the output; edges between others are dead. */
function liveNodes(nodes: readonly Edge[][]): boolean[] {
  const fed = [true];
  for (const edges of nodes) fed.push(edges.some(({ op, from }) => op !== 'none' && fed[from]));
  const needed = [false, false, false, true];
  for (let node = 3; node >= 1; node -= 1)
    if (needed[node])
      for (const { op, from } of nodes[node - 1] as Edge[]) if (op !== 'none' && fed[from]) needed[from] = true;
  return fed.map((isFed, node) => isFed && (needed[node] as boolean));
}

/** Live edges into each node of a cell; null where the cell's output does not depend on its input. */
export function liveCell(text: string): Edge[][] | null {
  const nodes = parseArchitecture(text);
  const live = liveNodes(nodes);
  if (!live[3]) return null;
  return nodes.map((edges, index) =>
    live[index + 1] ? edges.filter(({ op, from }) => op !== 'none' && live[from]) : [],
  );
}

/** The live part of an architecture as text: architectures that differ in dead branches only are equal. */
export function canonicalArchitecture(text: string): string {
  return JSON.stringify(liveCell(text));
}

class Network {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: TensorSpec[] = [];
  #count = 0;

  add(opType: string, inputs: string[], rest: Partial<NodeSpec> = {}): string {
    this.#count += 1;
    const output = `v${this.#count}`;
    this.nodes.push({ opType, inputs, outputs: [output], ...rest });
    return output;
  }

  weight(dims: number[]): string {
    const name = `w${this.initializers.length}`;
    this.initializers.push({ name, dims });
    return name;
  }

  scalar(): string {
    const name = `w${this.initializers.length}`;
    this.initializers.push({ name, dims: [] });
    return name;
  }

  conv(input: string, from: number, to: number, kernel: number, stride = 1): string {
    const pad = (kernel - 1) / 2;
    return this.add('Conv', [input, this.weight([to, from, kernel, kernel])], {
      ints: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
    });
  }

  batchNorm(input: string, channels: number): string {
    return this.add('BatchNormalization', [input, ...[0, 1, 2, 3].map(() => this.weight([channels]))]);
  }

  reluConvNorm(input: string, from: number, to: number, kernel: number, stride = 1): string {
    return this.batchNorm(this.conv(this.add('Relu', [input]), from, to, kernel, stride), to);
  }

  averagePool(input: string, kernel: number, stride: number, pad: number): string {
    return this.add('AveragePool', [input], {
      ints: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] },
    });
  }

  edge(op: EdgeOp, input: string, channels: number): string {
    if (op === 'skip_connect') return input;
    if (op === 'none') return this.add('Mul', [input, this.scalar()]);
    if (op === 'avg_pool_3x3') return this.averagePool(input, 3, 1, 1);
    return this.reluConvNorm(input, channels, channels, op === 'nor_conv_1x1' ? 1 : 3);
  }

  cell(cell: readonly Edge[][], input: string, channels: number): string {
    const values = [input];
    for (const edges of cell) {
      const terms = edges.map(({ op, from }) => this.edge(op, values[from] as string, channels));
      values.push(terms.length === 0 ? '' : terms.reduce((sum, term) => this.add('Add', [sum, term])));
    }
    return values[3] as string;
  }

  reduction(input: string, from: number, to: number): string {
    const main = this.reluConvNorm(this.reluConvNorm(input, from, to, 3, 2), to, to, 3);
    const shortcut = this.conv(this.averagePool(input, 2, 2, 0), from, to, 1);
    return this.add('Add', [shortcut, main]);
  }
}

/**
 * The whole network as an ONNX file with zero weights, as the data's README describes it; null where the architecture's
 * output does not depend on its input.
 */
export function nasBench201Onnx(
  text: string,
  options: { classes: number; imageSize?: number; asExported?: boolean },
): Uint8Array | null {
  const cell = options.asExported ? parseArchitecture(text) : liveCell(text);
  if (!cell) return null;
  const network = new Network();
  let channels = STAGE_CHANNELS[0] as number;
  let value = network.batchNorm(network.conv('image', 3, channels, 3), channels);
  for (const [stage, width] of STAGE_CHANNELS.entries()) {
    if (stage > 0) value = network.reduction(value, channels, width);
    channels = width;
    for (let index = 0; index < CELLS_PER_STAGE; index += 1) value = network.cell(cell, value, channels);
  }
  const features = network.add('Relu', [network.batchNorm(value, channels)]);
  const pooled = network.add('Flatten', [network.add('GlobalAveragePool', [features])]);
  const weights = network.weight([options.classes, channels]);
  const scores = network.add('Gemm', [pooled, weights, network.weight([options.classes])], { int: { transB: 1 } });
  const size = options.imageSize ?? 32;
  return buildOnnx({
    inputs: [{ name: 'image', shape: ['batch', 3, size, size] }],
    initializers: network.initializers,
    nodes: network.nodes,
    outputs: [scores],
  });
}
