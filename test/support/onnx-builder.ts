/** Builds ONNX files for tests and benchmarks, without any weights' worth of work: a protobuf writer and a few node makers. */
import protobuf from 'protobufjs/minimal.js';

/** Null: open, without a name. */
export type Dimension = number | string | null;

export interface TensorSpec {
  name: string;
  dims: number[];
  /** Number of ONNX's TensorProto.DataType; 1 is float32, 7 is int64. */
  dataType?: number;
  /** Little-endian elements; absent: zeros. */
  raw?: Uint8Array;
  /** Marks the tensor as stored outside the file; where it is said, in which one and which bytes of it. */
  external?: boolean | { location: string; offset?: number; length?: number };
}

export interface NodeSpec {
  opType: string;
  inputs: string[];
  outputs: string[];
  name?: string;
  domain?: string;
  ints?: Record<string, number[]>;
  int?: Record<string, number>;
  float?: Record<string, number>;
  floats?: Record<string, number[]>;
  strings?: Record<string, string>;
  tensors?: Record<string, TensorSpec>;
  /** Bodies of control flow. */
  graphs?: Record<string, GraphSpec>;
}

export interface GraphSpec {
  nodes: NodeSpec[];
  initializers?: TensorSpec[];
  inputs: { name: string; shape: Dimension[]; dataType?: number }[];
  /** Names; float32 unless a data type is given (null: the model does not say it). */
  outputs: (string | { name: string; dataType: number | null })[];
}

export interface ModelSpec extends GraphSpec {
  opset?: number;
  irVersion?: number;
  /** Versions of other operator sets, by domain. */
  opsets?: Record<string, number>;
  functions?: string[];
}

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_STRING = 3;
const ATTRIBUTE_TENSOR = 4;
const ATTRIBUTE_GRAPH = 5;
const ATTRIBUTE_FLOATS = 6;
const ATTRIBUTE_INTS = 7;
/** Bytes of an element, by the number of its type. */
const BYTES: Record<number, number> = { 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8 };

type Writer = protobuf.Writer;
const tag = (field: number, wire: number) => (field << 3) | wire;
const text = (writer: Writer, field: number, value: string) => writer.uint32(tag(field, 2)).string(value);
const int = (writer: Writer, field: number, value: number) => writer.uint32(tag(field, 0)).int64(value);
const float = (writer: Writer, field: number, value: number) => writer.uint32(tag(field, 5)).float(value);
function message(writer: Writer, field: number, fill: (writer: Writer) => void): void {
  writer.uint32(tag(field, 2)).fork();
  fill(writer);
  writer.ldelim();
}

function writeTensor(writer: Writer, tensor: TensorSpec): void {
  const dataType = tensor.dataType ?? 1;
  for (const dim of tensor.dims) int(writer, 1, dim);
  int(writer, 2, dataType);
  text(writer, 8, tensor.name);
  if (tensor.external) {
    for (const [key, value] of Object.entries(tensor.external === true ? {} : tensor.external))
      message(writer, 13, (entry) => {
        text(entry, 1, key);
        text(entry, 2, `${value}`);
      });
    int(writer, 14, 1);
    return;
  }
  const count = tensor.dims.reduce((product, dim) => product * dim, 1);
  writer.uint32(tag(9, 2)).bytes(tensor.raw ?? new Uint8Array(count * (BYTES[dataType] as number)));
}

function writeNode(writer: Writer, node: NodeSpec): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  if (node.name) text(writer, 3, node.name);
  text(writer, 4, node.opType);
  const attribute = (name: string, type: number, fill: (writer: Writer) => void) =>
    message(writer, 5, (inner) => {
      text(inner, 1, name);
      fill(inner);
      int(inner, 20, type);
    });
  for (const [name, value] of Object.entries(node.int ?? {})) attribute(name, ATTRIBUTE_INT, (w) => int(w, 3, value));
  for (const [name, value] of Object.entries(node.strings ?? {}))
    attribute(name, ATTRIBUTE_STRING, (w) => text(w, 4, value));
  for (const [name, values] of Object.entries(node.ints ?? {}))
    attribute(name, ATTRIBUTE_INTS, (w) => values.forEach((value) => void int(w, 8, value)));
  for (const [name, value] of Object.entries(node.float ?? {}))
    attribute(name, ATTRIBUTE_FLOAT, (w) => float(w, 2, value));
  for (const [name, values] of Object.entries(node.floats ?? {}))
    attribute(name, ATTRIBUTE_FLOATS, (w) => values.forEach((value) => void float(w, 7, value)));
  for (const [name, tensor] of Object.entries(node.tensors ?? {}))
    attribute(name, ATTRIBUTE_TENSOR, (w) => message(w, 5, (inner) => writeTensor(inner, tensor)));
  for (const [name, graph] of Object.entries(node.graphs ?? {}))
    attribute(name, ATTRIBUTE_GRAPH, (w) => message(w, 6, (inner) => writeGraph(inner, graph)));
  if (node.domain) text(writer, 7, node.domain);
}

function writeGraph(writer: Writer, graph: GraphSpec): void {
  for (const node of graph.nodes) message(writer, 1, (w) => writeNode(w, node));
  text(writer, 2, 'graph');
  for (const tensor of graph.initializers ?? []) message(writer, 5, (w) => writeTensor(w, tensor));
  for (const { name, shape, dataType } of graph.inputs)
    message(writer, 11, (w) => writeValueInfo(w, name, dataType ?? 1, shape));
  for (const output of graph.outputs) {
    const { name, dataType } = typeof output === 'string' ? { name: output, dataType: 1 } : output;
    message(writer, 12, (w) => (dataType === null ? void text(w, 1, name) : writeValueInfo(w, name, dataType, null)));
  }
}

function writeValueInfo(writer: Writer, name: string, dataType: number, shape: Dimension[] | null): void {
  text(writer, 1, name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      int(tensor, 1, dataType);
      if (shape)
        message(tensor, 2, (dims) => {
          for (const dim of shape)
            message(
              dims,
              1,
              (w) => void (typeof dim === 'number' ? int(w, 1, dim) : dim === null ? w : text(w, 2, dim)),
            );
        });
    }),
  );
}

/** The bytes of a model file. */
export function buildOnnx(model: ModelSpec): Uint8Array {
  const writer = protobuf.Writer.create();
  int(writer, 1, model.irVersion ?? 8);
  message(writer, 7, (graph) => writeGraph(graph, model));
  for (const [domain, version] of Object.entries({ '': model.opset ?? 17, ...model.opsets }))
    message(writer, 8, (opset) => {
      text(opset, 1, domain);
      int(opset, 2, version);
    });
  for (const name of model.functions ?? []) message(writer, 25, (w) => void text(w, 1, name));
  return writer.finish();
}

/** An int64 tensor with these values. */
export function int64Tensor(name: string, values: number[]): TensorSpec {
  const raw = new Uint8Array(new BigInt64Array(values.map(BigInt)).buffer);
  return { name, dims: [values.length], dataType: 7, raw };
}
