/** A model of one operator as a row of a table: what it reads, its attributes, and what is known of it without running it. */
import type { Dtype } from '@edgetune/shared/onnx/dtype.ts';
import type { KernelKind } from '@edgetune/shared/onnx/kernel-kind.ts';
import { buildOnnx, type NodeSpec, type TensorSpec } from '../../../support/onnx-builder.ts';

/** An input of the operator. */
export interface Operand {
  dtype: Dtype;
  shape: number[];
  /** Elements; a single one stands for all of them. */
  values: number[];
  /** Stored in the model; else the caller feeds it. */
  isInitializer: boolean;
}

/** A floating-point attribute; plain numbers are integers. */
export interface Float {
  float: number | number[];
}

export type AttributeValue = number | number[] | string | Float | Operand;

export interface OperatorCase {
  op: string;
  /** What this row is about: with the operator's name, its name. */
  what: string;
  /** The kind of kernel that it is; none: it vanishes. */
  kind: KernelKind | 'none';
  /** Empty for ONNX's own. */
  domain?: string;
  /** Of ONNX's operator set; 17 where nothing is said. */
  opset?: number;
  /** Null: an optional input that is left out. */
  inputs: (Operand | null)[];
  attributes?: Record<string, AttributeValue>;
  /** Which outputs are asked for, in their order; one where nothing is said. */
  outputs?: boolean[];
  /** Multiply-accumulates, worked out by hand; none where nothing is said. */
  macs?: number;
  /** Bytes of all constants that the operator reads, worked out by hand. */
  weightBytes?: number;
  /** Bytes of activations alive at once while it runs, worked out by hand. */
  peakBytes?: number;
  /** Where ONNX Runtime cannot run it on a CPU: why, and the outputs worked out by hand. */
  byHand?: { because: string; outputs: (readonly [Dtype, number[]])[] };
}

/** Rows of one operator. */
export function rows(
  op: string,
  common: Pick<OperatorCase, 'kind'> & Partial<OperatorCase>,
  cases: readonly (Omit<OperatorCase, 'op' | 'kind'> & Partial<OperatorCase>)[],
): OperatorCase[] {
  return cases.map((each) => ({ op, ...common, ...each }));
}

/** A value that the caller feeds. */
export function data(shape: number[], dtype: Dtype = 'float32', value = 1): Operand {
  return { dtype, shape, values: [value], isInitializer: false };
}

/** A value that the model holds. */
export function weight(shape: number[], dtype: Dtype = 'float32', value = 1): Operand {
  return { dtype, shape, values: [value], isInitializer: true };
}

/** A list that the model holds: axes, sizes, scales. */
export function list(values: number[], dtype: Dtype = 'int64'): Operand {
  return { dtype, shape: [values.length], values, isInitializer: true };
}

/** Numbers of several axes that the model holds, each of its own value. */
export function grid(shape: number[], dtype: Dtype = 'int64'): Operand {
  const count = shape.reduce((product, size) => product * size, 1);
  return { dtype, shape, values: Array.from({ length: count }, (_, index) => index + 1), isInitializer: true };
}

/** A single number that the model holds. */
export function scalar(value: number, dtype: Dtype = 'float32'): Operand {
  return { dtype, shape: [], values: [value], isInitializer: true };
}

export const float = (value: number | number[]): Float => ({ float: value });

/** Numbers of ONNX's TensorProto.DataType (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). */
const TYPE_NUMBERS: Partial<Record<Dtype, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

export function typeNumber(dtype: Dtype): number {
  return TYPE_NUMBERS[dtype] as number;
}

/** The only two numbers that the table needs as halves. */
const HALVES = new Map([
  [0, 0],
  [1, 0x3c00],
]);

/** Typed arrays as ONNX Runtime's tensors hold their elements. */
export function elementsOfOperand({ dtype, shape, values }: Operand) {
  const count = shape.reduce((product, size) => product * size, 1);
  const all = Array.from({ length: count }, (_, index) => values[index % values.length] as number);
  switch (dtype) {
    case 'float32':
      return Float32Array.from(all);
    case 'float64':
      return Float64Array.from(all);
    case 'float16':
      return Uint16Array.from(all, (value) => HALVES.get(value) as number);
    case 'int64':
      return BigInt64Array.from(all, BigInt);
    case 'uint64':
      return BigUint64Array.from(all, BigInt);
    case 'int32':
      return Int32Array.from(all);
    case 'uint32':
      return Uint32Array.from(all);
    case 'int16':
      return Int16Array.from(all);
    case 'uint16':
      return Uint16Array.from(all);
    case 'int8':
      return Int8Array.from(all);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(all);
    default:
      throw new Error(`no row of the table has elements of ${dtype}`);
  }
}

function tensorSpec(name: string, operand: Operand): TensorSpec {
  const { buffer } = elementsOfOperand(operand);
  return { name, dims: operand.shape, dataType: typeNumber(operand.dtype), raw: new Uint8Array(buffer) };
}

function attributeSpecs(attributes: Record<string, AttributeValue>) {
  const specs = { int: {}, ints: {}, float: {}, floats: {}, strings: {}, tensors: {} } as Required<
    Pick<NodeSpec, 'int' | 'ints' | 'float' | 'floats' | 'strings' | 'tensors'>
  >;
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'number') specs.int[name] = value;
    else if (typeof value === 'string') specs.strings[name] = value;
    else if (Array.isArray(value)) specs.ints[name] = value;
    else if ('dtype' in value) specs.tensors[name] = tensorSpec(name, value);
    else if (Array.isArray(value.float)) specs.floats[name] = value.float;
    else specs.float[name] = value.float;
  }
  return specs;
}

export const inputName = (index: number) => `x${index}`;
export const outputName = (index: number) => `y${index}`;

/** The model file of a row: its node alone. Output types are left to whoever reads it. */
export function modelOf({ op, domain = '', opset = 17, inputs, attributes = {}, outputs = [true] }: OperatorCase) {
  const named = inputs.flatMap((operand, index) => (operand ? [[inputName(index), operand] as const] : []));
  const outputNames = outputs.map((isAsked, index) => (isAsked ? outputName(index) : ''));
  return buildOnnx({
    opset,
    opsets: domain === '' ? {} : { [domain]: 1 },
    inputs: named
      .filter(([, operand]) => !operand.isInitializer)
      .map(([name, { dtype, shape }]) => ({ name, shape, dataType: typeNumber(dtype) })),
    initializers: named.filter(([, operand]) => operand.isInitializer).map(([name, value]) => tensorSpec(name, value)),
    nodes: [
      {
        opType: op,
        domain,
        inputs: inputs.map((operand, index) => (operand ? inputName(index) : '')),
        outputs: outputNames,
        ...attributeSpecs(attributes),
      },
    ],
    outputs: outputNames.filter((name) => name !== '').map((name) => ({ name, dataType: null })),
  });
}
