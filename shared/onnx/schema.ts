/**
 * The part of ONNX's protobuf schema that EdgeTune reads, as a field table per message
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3). Weights are kept as views on the file's bytes.
 */

/** How a field is read; `bytes` and the numeric `payload` fields stay views on the file until someone asks. */
export type FieldKind = 'int' | 'float' | 'string' | 'bytes' | 'payload' | MessageName;

export interface Field {
  name: string;
  kind: FieldKind;
  repeated?: boolean;
}

export type MessageName =
  | 'ModelProto'
  | 'OperatorSetIdProto'
  | 'StringStringEntryProto'
  | 'GraphProto'
  | 'NodeProto'
  | 'AttributeProto'
  | 'TensorProto'
  | 'SparseTensorProto'
  | 'ValueInfoProto'
  | 'TypeProto'
  | 'TensorTypeProto'
  | 'ShapeProto'
  | 'DimensionProto'
  | 'FunctionProto'
  | 'OpaqueTypeProto';

const many = (name: string, kind: FieldKind): Field => ({ name, kind, repeated: true });
const one = (name: string, kind: FieldKind): Field => ({ name, kind });

/** By message, then by field number. A field that is not in the table is skipped. */
export const ONNX_SCHEMA: Readonly<Record<MessageName, Readonly<Record<number, Field>>>> = {
  ModelProto: {
    1: one('irVersion', 'int'),
    2: one('producerName', 'string'),
    7: one('graph', 'GraphProto'),
    8: many('opsetImports', 'OperatorSetIdProto'),
    14: many('metadata', 'StringStringEntryProto'),
    25: many('functions', 'FunctionProto'),
  },
  OperatorSetIdProto: { 1: one('domain', 'string'), 2: one('version', 'int') },
  StringStringEntryProto: { 1: one('key', 'string'), 2: one('value', 'string') },
  GraphProto: {
    1: many('nodes', 'NodeProto'),
    2: one('name', 'string'),
    5: many('initializers', 'TensorProto'),
    11: many('inputs', 'ValueInfoProto'),
    12: many('outputs', 'ValueInfoProto'),
    15: many('sparseInitializers', 'SparseTensorProto'),
  },
  NodeProto: {
    1: many('inputs', 'string'),
    2: many('outputs', 'string'),
    3: one('name', 'string'),
    4: one('opType', 'string'),
    5: many('attributes', 'AttributeProto'),
    7: one('domain', 'string'),
  },
  AttributeProto: {
    1: one('name', 'string'),
    2: one('f', 'float'),
    3: one('i', 'int'),
    4: one('s', 'bytes'),
    5: one('t', 'TensorProto'),
    6: one('g', 'GraphProto'),
    7: many('floats', 'float'),
    8: many('ints', 'int'),
    9: many('strings', 'bytes'),
    10: many('tensors', 'TensorProto'),
    11: many('graphs', 'GraphProto'),
    20: one('type', 'int'),
    21: one('refAttrName', 'string'),
    22: one('sparseTensor', 'SparseTensorProto'),
  },
  TensorProto: {
    1: many('dims', 'int'),
    2: one('dataType', 'int'),
    4: many('floatData', 'payload'),
    5: many('int32Data', 'payload'),
    6: many('stringData', 'payload'),
    7: many('int64Data', 'payload'),
    8: one('name', 'string'),
    9: one('rawData', 'bytes'),
    10: many('doubleData', 'payload'),
    11: many('uint64Data', 'payload'),
    13: many('externalData', 'StringStringEntryProto'),
    14: one('dataLocation', 'int'),
  },
  SparseTensorProto: { 1: one('values', 'TensorProto') },
  ValueInfoProto: { 1: one('name', 'string'), 2: one('type', 'TypeProto') },
  TypeProto: {
    1: one('tensor', 'TensorTypeProto'),
    4: one('sequence', 'OpaqueTypeProto'),
    5: one('map', 'OpaqueTypeProto'),
    8: one('sparse', 'OpaqueTypeProto'),
    9: one('optional', 'OpaqueTypeProto'),
  },
  TensorTypeProto: { 1: one('elementType', 'int'), 2: one('shape', 'ShapeProto') },
  ShapeProto: { 1: many('dims', 'DimensionProto') },
  DimensionProto: { 1: one('value', 'int'), 2: one('parameter', 'string') },
  FunctionProto: { 1: one('name', 'string') },
  OpaqueTypeProto: {},
};
