/** Writes an ONNX model as protobuf, by the field table with which models are read. */
import { type Field, type MessageName, ONNX_SCHEMA } from '@edgetune/shared/onnx/schema.ts';
import type { Payload } from '@edgetune/shared/onnx/wire.ts';
import protobuf from 'protobufjs/minimal.js';

/** A message as an object: the field names of `ONNX_SCHEMA`, absent fields left out. What `decodeMessage` reads is one. */
export type OnnxMessage = { [field: string]: OnnxValue };
export type OnnxValue = number | string | Uint8Array | Payload | OnnxMessage | readonly OnnxValue[];

/** Protobuf wire types (https://protobuf.dev/programming-guides/encoding). */
const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const;

/** The largest 64-bit integer that a number holds exactly; ONNX files write 2^63 - 1 for "to the end". */
const MAX_INT64 = 2 ** 63 - 1024;

/** @throws {Error} where the message has a field that the table does not know */
export function encodeOnnx(message: OnnxMessage): Uint8Array {
  return encode('ModelProto', message);
}

function encode(type: MessageName, message: OnnxMessage): Uint8Array {
  const writer = protobuf.Writer.create();
  const fields = Object.entries(ONNX_SCHEMA[type]).map(([number, field]) => ({ number: Number(number), field }));
  for (const [name, value] of Object.entries(message)) {
    const known = fields.find(({ field }) => field.name === name);
    if (!known) throw new Error(`${type} has no field "${name}"`);
    const values = known.field.repeated ? (value as readonly OnnxValue[]) : [value];
    for (const item of values) write(writer, known.number, known.field, item as OnnxValue);
  }
  return writer.finish();
}

function write(writer: protobuf.Writer, number: number, { kind }: Field, value: OnnxValue): void {
  const tag = (wire: number) => writer.uint32((number << 3) | wire);
  switch (kind) {
    case 'int':
      tag(WIRE.varint).int64(Math.min(value as number, MAX_INT64));
      break;
    case 'float':
      tag(WIRE.fixed32).float(value as number);
      break;
    case 'string':
      tag(WIRE.bytes).string(value as string);
      break;
    case 'bytes':
      tag(WIRE.bytes).bytes(value as Uint8Array);
      break;
    case 'payload':
      // An element that stood alone becomes a packed field of one, which every reader takes.
      tag(WIRE.bytes).bytes((value as Payload).bytes);
      break;
    default:
      tag(WIRE.bytes).bytes(encode(kind, value as OnnxMessage));
  }
}
