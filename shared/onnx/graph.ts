/** An ONNX graph in memory. Shapes of inputs may hold names (symbolic sizes) or null (unknown sizes). */
import type { Dtype } from './dtype.ts';

export type SymbolicDimension = number | string | null;

export interface OnnxTensor {
  name: string;
  dtype: Dtype;
  dims: number[];
  elementCount: number;
  /** Decodes the elements as numbers (a copy), or null where the type has no plain numbers (strings, bfloat16 …). */
  read(): number[] | null;
}

export interface OnnxAttribute {
  name: string;
  f: number | null;
  i: number | null;
  s: string | null;
  tensor: OnnxTensor | null;
  graph: OnnxGraph | null;
  floats: number[];
  ints: number[];
  strings: string[];
  graphs: OnnxGraph[];
}

export interface OnnxNode {
  /** The node's name, or one made of its operator and position where it has none. */
  name: string;
  opType: string;
  /** Empty for ONNX's own operators. */
  domain: string;
  /** Empty text: an optional input that is left out. */
  inputs: string[];
  outputs: string[];
  attributes: ReadonlyMap<string, OnnxAttribute>;
}

export interface OnnxValueInfo {
  name: string;
  kind: 'tensor' | 'sequence' | 'map' | 'sparse' | 'optional' | 'unknown';
  dtype: Dtype;
  /** Null: the model does not say even the rank. */
  shape: SymbolicDimension[] | null;
}

export interface OnnxGraph {
  name: string;
  irVersion: number;
  /** Version of each operator set, by domain ("" is ONNX's own). */
  opsets: ReadonlyMap<string, number>;
  /** In topological order. */
  nodes: OnnxNode[];
  initializers: ReadonlyMap<string, OnnxTensor>;
  /** Without initializers, which old models list among the inputs. */
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
  metadata: ReadonlyMap<string, string>;
}

/** The first output that is not left out. */
export function firstOutput(node: OnnxNode): string {
  return node.outputs.find((name) => name !== '') ?? '';
}

/** An integer attribute, or `otherwise` where the node has none of that name. */
export function intAttribute(node: OnnxNode, name: string, otherwise: number): number {
  return node.attributes.get(name)?.i ?? otherwise;
}

/** A list-of-integers attribute, or null. */
export function intsAttribute(node: OnnxNode, name: string): number[] | null {
  const attribute = node.attributes.get(name);
  return attribute && attribute.ints.length > 0 ? attribute.ints : null;
}

export function stringAttribute(node: OnnxNode, name: string, otherwise: string): string {
  return node.attributes.get(name)?.s ?? otherwise;
}

/** ONNX's version of the operator set that the graph is written in. */
export function opsetOf(graph: OnnxGraph): number {
  return graph.opsets.get('') ?? graph.opsets.get('ai.onnx') ?? 1;
}
