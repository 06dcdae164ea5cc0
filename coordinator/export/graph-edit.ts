/** What the rewrites of a decoded graph share: names that are free, constants, attributes. */
import type { OnnxMessage } from './encode-onnx.ts';

/** ONNX's numbers of tensor types (onnx.proto3). */
export const TYPE = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
/** ONNX's numbers of attribute types. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** ONNX Runtime's own operators. */
export const RUNTIME_DOMAIN = 'com.microsoft';

export const isOnnxDomain = (domain: unknown) => !domain || domain === 'ai.onnx';

/** Version of ONNX's own operator set. */
export function opsetOfModel({ opsetImports = [] }: OnnxMessage): number {
  return Number((opsetImports as OnnxMessage[]).find(({ domain }) => isOnnxDomain(domain))?.version ?? 1);
}

/** Hands out names that nothing in the graph has, nor in the bodies of its control flow. */
export class FreeNames {
  readonly #taken = new Set<string>();

  constructor(graph: OnnxMessage) {
    this.#note(graph);
  }

  take(name: string): string {
    let free = name;
    while (this.#taken.has(free)) free += '_';
    this.#taken.add(free);
    return free;
  }

  #note({ inputs = [], initializers = [], nodes = [] }: OnnxMessage): void {
    for (const { name } of [...(inputs as OnnxMessage[]), ...(initializers as OnnxMessage[])])
      this.#taken.add(name as string);
    for (const node of nodes as OnnxMessage[]) {
      for (const name of (node.outputs ?? []) as string[]) this.#taken.add(name);
      for (const body of subgraphsOf(node)) this.#note(body);
    }
  }
}

/** The bodies of a node's control flow. */
export function subgraphsOf({ attributes = [] }: OnnxMessage): OnnxMessage[] {
  return (attributes as OnnxMessage[]).flatMap(({ g, graphs }) => [
    ...(g ? [g as OnnxMessage] : []),
    ...((graphs ?? []) as OnnxMessage[]),
  ]);
}

/** Names that a node and the bodies inside it read, some of them from outside. */
export function namesRead(node: OnnxMessage): string[] {
  return [...((node.inputs ?? []) as string[]), ...subgraphsOf(node).flatMap(namesReadIn)];
}

/** Names that a graph's nodes read or that it hands out. */
export function namesReadIn({ nodes = [], outputs = [] }: OnnxMessage): string[] {
  return [
    ...(nodes as OnnxMessage[]).flatMap(namesRead),
    ...(outputs as OnnxMessage[]).map(({ name }) => name as string),
  ];
}

export function attributeOf({ attributes = [] }: OnnxMessage, name: string): OnnxMessage | undefined {
  return (attributes as OnnxMessage[]).find((attribute) => attribute.name === name);
}

/** A node's attributes but for some. */
export function attributesBut({ attributes = [] }: OnnxMessage, ...names: string[]): OnnxMessage[] {
  return (attributes as OnnxMessage[]).filter(({ name }) => !names.includes(name as string));
}

export function intAttribute(name: string, i: number): OnnxMessage {
  return { name, type: ATTRIBUTE.int, i };
}

export function intsAttribute(name: string, ints: readonly number[]): OnnxMessage {
  return { name, type: ATTRIBUTE.ints, ints };
}

export function textAttribute(name: string, text: string): OnnxMessage {
  return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(text) };
}

/** A constant of the graph. @param dataType one of `TYPE`, that of the values */
export function constant(
  name: string,
  dims: readonly number[],
  dataType: number,
  values: NodeJS.TypedArray,
): OnnxMessage {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims, dataType, rawData };
}

/** Files write the largest 64-bit integer for "to the end"; read as a double it is one too many. */
const MAX_INT64 = 2n ** 63n - 1n;

/** A list of integers as a constant of the graph: axes, sizes, pads. */
export function int64s(name: string, values: readonly number[]): OnnxMessage {
  const integers = values.map(BigInt).map((value) => (value > MAX_INT64 ? MAX_INT64 : value));
  return constant(name, [values.length], TYPE.int64, BigInt64Array.from(integers));
}
