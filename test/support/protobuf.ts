/** Writes protobuf messages field by field, for tests of what reads them. */
import protobuf from 'protobufjs/minimal.js';

/** Text, bytes (a message too), a whole number, or a number as 4 or 8 bytes. */
export type FieldValue = number | string | Uint8Array | { float: number } | { double: number };

/** A message's bytes from its fields, each a number and a value, in the order given. */
export function proto(...fields: (readonly [number, FieldValue])[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [number, value] of fields) {
    const tag = (wire: number) => writer.uint32((number << 3) | wire);
    if (typeof value === 'string') tag(2).string(value);
    else if (value instanceof Uint8Array) tag(2).bytes(value);
    else if (typeof value === 'number') tag(0).int64(value);
    else if ('float' in value) tag(5).float(value.float);
    else tag(1).double(value.double);
  }
  return writer.finish();
}

/** Numbers one after the other, as a packed field holds them. */
export function packed(kind: 'varint' | 'float' | 'double', numbers: readonly number[]): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const number of numbers) {
    if (kind === 'varint') writer.int64(number);
    else if (kind === 'float') writer.float(number);
    else writer.double(number);
  }
  return writer.finish();
}
