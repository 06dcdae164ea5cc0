/**
 * Models whose weights lie in files beside them, as `torch.onnx.export` writes them (m.onnx, m.onnx.data): put into one file, which
 * is all that EdgeTune stores, sends to boards and runs (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md).
 */
import { bytesOf } from './dtype.ts';
import { edited, fieldOf, fieldsOf, joined, type Pieces } from './edit-message.ts';
import { OnnxError } from './onnx-error.ts';
import { MAX_MODEL_BYTES } from './read-onnx.ts';
import type { MessageName } from './schema.ts';
import { countElements, dtypeOf } from './tensor.ts';
import { decodeMessage, type Message } from './wire.ts';

export interface DataFile {
  /** As the model writes it: a path relative to the model's folder. */
  location: string;
  /** Bytes of it that the model needs, at least. */
  leastBytes: number;
}

interface Piece {
  where: string;
  location: string;
  offset: number;
  length: number;
}

const EXTERNAL = 1;

/** Where a tensor's elements lie; null: in the model. @throws {OnnxError} where that is no place within a file */
function placeOf(tensor: Message): Piece | null {
  const entries = (tensor.externalData as Message[] | undefined) ?? [];
  if (tensor.dataLocation !== EXTERNAL && entries.length === 0) return null;
  const where = `tensor "${tensor.name ?? ''}"`;
  const said = new Map(entries.map(({ key, value }) => [key, value as string | undefined]));
  const location = said.get('location');
  if (!location) throw new OnnxError('external-data', where, 'it does not say in which file its data lie');
  const dims = (tensor.dims as number[] | undefined) ?? [];
  const dtype = dtypeOf(tensor.dataType, where);
  const expected = Math.ceil(countElements(dims, where) * bytesOf(dtype));
  const offset = Number(said.get('offset') ?? 0);
  const length = Number(said.get('length') ?? expected);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== expected)
    throw new OnnxError(
      'external-data',
      where,
      `${said.get('length') ?? 'its'} bytes at ${said.get('offset')} of ${JSON.stringify(location)}, where ${expected} bytes belong`,
    );
  return { where, location, offset, length };
}

/** Calls back for every tensor of the file that lies outside. */
function edit(bytes: Uint8Array, replace: (tensor: Piece, pieces: Pieces) => Pieces | null): Pieces {
  return edited(bytes, 'ModelProto', (name: MessageName, pieces) => {
    if (name !== 'TensorProto') return null;
    const place = placeOf(decodeMessage(joined(pieces), 'TensorProto'));
    return place && replace(place, pieces);
  });
}

/**
 * The files beside a model that it needs, in order of appearance: none, where it is whole. No file is read for this.
 * @throws {OnnxError} where it is no ONNX model, or names no place within a file
 */
export function dataFilesOf(model: Uint8Array): DataFile[] {
  decodeMessage(model, 'ModelProto');
  const files = new Map<string, number>();
  edit(model, ({ location, offset, length }) => {
    files.set(location, Math.max(files.get(location) ?? 0, offset + length));
    return null;
  });
  return [...files].map(([location, leastBytes]) => ({ location, leastBytes }));
}

const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

/**
 * The model as one file. One that is whole comes back as it is.
 * @param read the content of a data file, which has at least so many bytes
 * @throws {OnnxError} where it would be over 2 GB, a data file is too short, or it is no ONNX model
 */
export function inlineExternalData(model: Uint8Array, read: (file: DataFile) => Uint8Array): Uint8Array {
  const files = dataFilesOf(model);
  if (files.length === 0) return model;
  let total = model.length;
  edit(model, ({ length }) => {
    total += length;
    return null;
  });
  if (total > MAX_MODEL_BYTES)
    throw new OnnxError(
      'too-large',
      'file',
      `with its data it is ${total} bytes: EdgeTune runs models as one file, which ONNX limits to 2 GB; make it smaller (float16, int8)`,
    );
  const contents = new Map(files.map((file) => [file.location, read(file)]));
  return joined(
    edit(model, ({ where, location, offset, length }, pieces) => {
      const data = contents.get(location) as Uint8Array;
      if (data.length < offset + length)
        throw new OnnxError(
          'external-data',
          where,
          `its data end at byte ${offset + length} of ${JSON.stringify(location)}, which has ${data.length}: copy or export it again`,
        );
      const kept = fieldsOf(joined(pieces)).filter(
        ({ number }) => number !== EXTERNAL_DATA && number !== DATA_LOCATION,
      );
      return [...kept.map(({ whole }) => whole), ...fieldOf(RAW_DATA, [data.subarray(offset, offset + length)])];
    }),
  );
}
