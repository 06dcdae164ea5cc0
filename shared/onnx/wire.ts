/** Decodes protobuf bytes by the field tables of `schema.ts`. */
import protobuf from 'protobufjs/minimal.js';
import { OnnxError } from './onnx-error.ts';
import { type Field, type MessageName, ONNX_SCHEMA } from './schema.ts';

/** A piece of a numeric field that is not decoded yet: packed elements, or one element with its wire type. */
export interface Payload {
  wireType: number;
  bytes: Uint8Array;
}

/** A decoded message: field name → value, or list of values for repeated fields. */
export type Message = Record<string, unknown>;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** Subgraphs nest; a file that nests deeper than this is made to exhaust the stack. */
const MAX_DEPTH = 64;

/** Every exporter writes the IR version first (field 1, varint): a file that starts so was an ONNX model once. */
const IR_VERSION_TAG = 0x08;

type Reader = protobuf.Reader;

function readInt(reader: Reader): number {
  const value = reader.int64();
  // A Long only where the library `long` is installed; by way of its text it would be ten times as slow.
  return typeof value === 'number' ? value : (value as unknown as { toNumber(): number }).toNumber();
}

function expectWire(actual: number, expected: number, path: string, { name }: Field): void {
  if (actual !== expected)
    throw new OnnxError(
      'not-onnx',
      `${path}.${name}`,
      `this is no ONNX model (wire type ${actual} where ${expected} belongs)`,
    );
}

function readPayload(reader: Reader, wireType: number): Payload {
  const start = reader.pos;
  if (wireType === LENGTH_DELIMITED) return { wireType, bytes: reader.bytes() };
  reader.skipType(wireType);
  return { wireType, bytes: reader.buf.subarray(start, reader.pos) };
}

function readNumbers(reader: Reader, field: Field, wireType: number, into: number[], path: string): void {
  const isInt = field.kind === 'int';
  if (wireType === LENGTH_DELIMITED && field.repeated) {
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) into.push(isInt ? readInt(reader) : reader.float());
    return;
  }
  expectWire(wireType, isInt ? VARINT : FIXED32, path, field);
  into.push(isInt ? readInt(reader) : reader.float());
}

function readValues(reader: Reader, field: Field, wireType: number, depth: number, path: string): unknown[] {
  switch (field.kind) {
    case 'int':
    case 'float': {
      const values: number[] = [];
      readNumbers(reader, field, wireType, values, path);
      return values;
    }
    case 'payload':
      return [readPayload(reader, wireType)];
    case 'string':
      expectWire(wireType, LENGTH_DELIMITED, path, field);
      return [reader.string()];
    case 'bytes':
      expectWire(wireType, LENGTH_DELIMITED, path, field);
      return [reader.bytes()];
    default: {
      expectWire(wireType, LENGTH_DELIMITED, path, field);
      const end = reader.uint32() + reader.pos;
      return [readMessage(reader, field.kind, end, depth + 1, `${path}.${field.name}`)];
    }
  }
}

function readMessage(reader: Reader, name: MessageName, end: number, depth: number, path: string): Message {
  if (depth > MAX_DEPTH) throw new OnnxError('invalid-graph', path, `messages nest deeper than ${MAX_DEPTH}`);
  const table = ONNX_SCHEMA[name];
  const message: Message = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = table[tag >>> 3];
    if (!field) {
      reader.skipType(tag & 7);
      continue;
    }
    const values = readValues(reader, field, tag & 7, depth, path);
    if (field.repeated) {
      const list = message[field.name] as unknown[] | undefined;
      if (list === undefined) message[field.name] = values;
      else for (const value of values) list.push(value);
    } else if (values.length > 0) message[field.name] = values[values.length - 1];
  }
  if (reader.pos !== end) throw new RangeError('index out of range');
  return message;
}

/**
 * Decodes one message that fills `bytes`. Nothing is copied but strings: byte fields are views on `bytes`.
 * @throws {OnnxError} `truncated` where the bytes end within a field, `not-onnx` where they are no such message
 */
export function decodeMessage(bytes: Uint8Array, name: MessageName): Message {
  const reader = protobuf.Reader.create(bytes);
  try {
    return readMessage(reader, name, bytes.length, 0, name);
  } catch (error) {
    if (error instanceof OnnxError) throw error;
    const where = `byte ${reader.pos} of ${bytes.length}`;
    if (error instanceof RangeError && bytes[0] === IR_VERSION_TAG)
      throw new OnnxError('truncated', where, 'the file ends within a field; copy or export it again');
    throw new OnnxError('not-onnx', where, `this is no ONNX model (${(error as Error).message})`);
  }
}

/** Decodes the elements of a payload field. `kind`: how single elements are encoded. */
export function decodePayload(payloads: readonly Payload[], kind: 'varint' | 'float' | 'double'): number[] {
  const expected = { varint: VARINT, float: FIXED32, double: FIXED64 }[kind];
  const values: number[] = [];
  for (const { wireType, bytes } of payloads) {
    if (wireType !== LENGTH_DELIMITED && wireType !== expected) continue;
    const reader = protobuf.Reader.create(bytes);
    while (reader.pos < reader.len)
      values.push(kind === 'varint' ? readInt(reader) : kind === 'float' ? reader.float() : reader.double());
  }
  return values;
}
