/** Changes parts of a model file and leaves all others as they are, byte for byte, also those that EdgeTune does not read. */
import protobuf from 'protobufjs/minimal.js';
import { type MessageName, ONNX_SCHEMA } from './schema.ts';

const LENGTH_DELIMITED = 2;

/** Bytes in pieces: views on the file, and what is new. Nothing is copied before all of it is known. */
export type Pieces = Uint8Array[];

/** What becomes of a message whose parts have been edited already; null: it stays as it is. */
export type Editor = (message: MessageName, pieces: Pieces, path: readonly MessageName[]) => Pieces | null;

const sizeOf = (pieces: Pieces) => pieces.reduce((sum, { length }) => sum + length, 0);

/** A length-delimited field. */
export function fieldOf(number: number, pieces: Pieces): Pieces {
  const head = protobuf.Writer.create()
    .uint32((number << 3) | LENGTH_DELIMITED)
    .uint32(sizeOf(pieces))
    .finish();
  return [head, ...pieces];
}

/** A field that holds a whole number. */
export function intField(number: number, value: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32(number << 3)
    .int64(value)
    .finish();
}

export function textField(number: number, text: string): Pieces {
  return fieldOf(number, [new TextEncoder().encode(text)]);
}

/** Every field of a message with its number and all of its bytes; of length-delimited ones also their content. */
export function fieldsOf(bytes: Uint8Array): { number: number; whole: Uint8Array; content: Uint8Array | null }[] {
  const reader = protobuf.Reader.create(bytes);
  const fields = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    let content: Uint8Array | null = null;
    if ((tag & 7) === LENGTH_DELIMITED) content = reader.bytes();
    else reader.skipType(tag & 7);
    fields.push({ number: tag >>> 3, whole: bytes.subarray(start, reader.pos), content });
  }
  return fields;
}

export function joined(pieces: Pieces): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const bytes = new Uint8Array(sizeOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * The message with what the editor makes of it and of the messages in it, innermost first. `bytes` is one that `decodeMessage` has
 * read. @param path the messages around it
 */
export function edited(bytes: Uint8Array, name: MessageName, edit: Editor, path: readonly MessageName[] = []): Pieces {
  const table = ONNX_SCHEMA[name];
  let pieces: Pieces = [];
  let isChanged = false;
  for (const { number, whole, content } of fieldsOf(bytes)) {
    const kind = table[number]?.kind;
    const inner = content && kind && Object.hasOwn(ONNX_SCHEMA, kind) ? (kind as MessageName) : null;
    const made = inner && content ? edited(content, inner, edit, [...path, name]) : null;
    if (made && !(made.length === 1 && made[0] === content)) {
      isChanged = true;
      for (const piece of fieldOf(number, made)) pieces.push(piece);
    } else pieces.push(whole);
  }
  if (!isChanged) pieces = [bytes];
  return edit(name, pieces, path) ?? pieces;
}
