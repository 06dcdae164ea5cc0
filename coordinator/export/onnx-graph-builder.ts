/** Collects nodes and weights of an ONNX graph under construction. */
import { encodeOnnx, type OnnxMessage } from './encode-onnx.ts';

/** ONNX's numbers of tensor and attribute types (onnx.proto3). */
const FLOAT = 1;
const INT64 = 7;
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const;
/** Operator set 17 came with IR version 8 (ONNX 1.12). */
const OPSET = 17;
const IR_VERSION = 8;

export type Attribute = { int: number } | { ints: readonly number[] } | { float: number };

export class OnnxGraphBuilder {
  readonly #nodes: OnnxMessage[] = [];
  readonly #initializers: OnnxMessage[] = [];
  #names = 0;

  /** Adds a node with one output and returns the output's name. */
  node(opType: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, output?: string): string {
    const name = output ?? `${opType.toLowerCase()}_${this.#names++}`;
    this.#nodes.push({
      name,
      opType,
      inputs,
      outputs: [name],
      attributes: Object.entries(attributes).map(([key, value]) => attributeMessage(key, value)),
    });
    return name;
  }

  /** Adds float32 weights and returns their name. */
  weights(dims: readonly number[], values: Float32Array): string {
    const name = `w_${this.#initializers.length}`;
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name, dims, dataType: FLOAT, rawData });
    return name;
  }

  /** Adds int64 values (axes, shapes) and returns their name. */
  integers(values: readonly number[]): string {
    const name = `w_${this.#initializers.length}`;
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#initializers.push({ name, dims: [values.length], dataType: INT64, rawData });
    return name;
  }

  /** The model as bytes. A dimension that is a name is dynamic. */
  finish(model: {
    input: { name: string; dims: readonly (number | string)[] };
    output: { name: string; dims: readonly (number | string)[] };
    metadata: Record<string, string>;
  }): Uint8Array {
    return encodeOnnx({
      irVersion: IR_VERSION,
      producerName: 'EdgeTune',
      graph: {
        name: 'edgetune',
        nodes: this.#nodes,
        initializers: this.#initializers,
        inputs: [valueInfo(model.input)],
        outputs: [valueInfo(model.output)],
      },
      opsetImports: [{ domain: '', version: OPSET }],
      metadata: metadataMessages(model.metadata),
    });
  }
}

/** By how many bytes a model's file grows with these entries of its metadata. */
export function metadataBytes(metadata: Record<string, string>): number {
  return encodeOnnx({ metadata: metadataMessages(metadata) }).length;
}

function metadataMessages(metadata: Record<string, string>): OnnxMessage[] {
  return Object.entries(metadata).map(([key, value]) => ({ key, value }));
}

function valueInfo({ name, dims }: { name: string; dims: readonly (number | string)[] }): OnnxMessage {
  const shape = {
    dims: dims.map((dim): OnnxMessage => (typeof dim === 'number' ? { value: dim } : { parameter: dim })),
  };
  return { name, type: { tensor: { elementType: FLOAT, shape } } };
}

function attributeMessage(name: string, value: Attribute): OnnxMessage {
  if ('int' in value) return { name, type: ATTRIBUTE_TYPE.int, i: value.int };
  if ('ints' in value) return { name, type: ATTRIBUTE_TYPE.ints, ints: value.ints };
  return { name, type: ATTRIBUTE_TYPE.float, f: value.float };
}
