/** Options of every command that takes a model: what people say of its inputs, read once for all of them. */
import type { GivenInputs, GivenSize, InputValue } from './fix-inputs.ts';
import { readNpy } from './input-values.ts';
import { BATCH } from './model-sizes.ts';
import { OnnxError } from './onnx-error.ts';

/** By input or by name of an axis, as the command line has them. */
export interface InputFlags {
  dimension: Record<string, GivenSize>;
  shape: Record<string, GivenSize[]>;
  /** Paths of .npy files. */
  inputData: Record<string, string>;
  inputValue: Record<string, number>;
}

export const NOTHING_SAID: InputFlags = { dimension: {}, shape: {}, inputData: {}, inputValue: {} };

interface InputOption<T> {
  flags: string;
  description: string;
  /** @throws {RangeError} saying how it is written */
  parse(text: string, before: Record<string, T>): Record<string, T>;
}

const SIZE = /^\d{1,9}$/;

/** NAME=VALUE; names may hold "=" themselves. */
function option<T>(
  flags: string,
  description: string,
  example: string,
  read: (text: string) => T | null,
): InputOption<T> {
  return {
    flags,
    description,
    parse(text, before) {
      const at = text.lastIndexOf('=');
      const name = text.slice(0, at);
      const value = at > 0 ? read(text.slice(at + 1)) : null;
      if (value === null) throw new RangeError(`expected something such as ${example}`);
      if (Object.hasOwn(before, name)) throw new RangeError(`"${name}" is said twice`);
      return Object.fromEntries([...Object.entries(before), [name, value]]);
    },
  };
}

function sizeOf(text: string): GivenSize | null {
  if (text === BATCH) return BATCH;
  return SIZE.test(text) ? Number(text) : null;
}

function shapeOf(text: string): GivenSize[] | null {
  const sizes = text.trim() === '' ? [] : text.split(',').map((size) => sizeOf(size.trim()));
  return sizes.includes(null) ? null : (sizes as GivenSize[]);
}

function numberOf(text: string): number | null {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** By the name that the command line's library gives each. Every one may be repeated. */
export const INPUT_OPTIONS: { readonly [Name in keyof InputFlags]: InputOption<InputFlags[Name][string]> } = {
  dimension: option(
    '--dimension <name=size>',
    `size of a named axis that the model leaves open, or "${BATCH}"; may be repeated`,
    'tokens=128 or frames=batch',
    sizeOf,
  ),
  shape: option(
    '--shape <input=sizes>',
    `shape of an input, with "${BATCH}" for the axis that is the batch; may be repeated`,
    'image=1,3,224,224 or image=batch,3,224,224',
    shapeOf,
  ),
  inputData: option(
    '--input-data <input=file>',
    'what an input is fed, from a .npy file; may be repeated',
    'image=image.npy',
    (text) => (text === '' ? null : text),
  ),
  inputValue: option(
    '--input-value <input=number>',
    'what all elements of an input are; may be repeated',
    'rate=16000',
    numberOf,
  ),
};

/**
 * What was said, its files read.
 * @throws {OnnxError} `input-data` where a file is no .npy file, or an input is given twice; whatever `read` throws
 */
export function givenBy(
  { dimension, shape, inputData, inputValue }: InputFlags,
  read: (path: string) => Uint8Array,
): GivenInputs {
  const values: Record<string, InputValue> = {};
  for (const [input, path] of Object.entries(inputData)) values[input] = readNpy(read(path), path);
  for (const [input, value] of Object.entries(inputValue)) {
    if (Object.hasOwn(values, input))
      throw new OnnxError(
        'input-data',
        `input "${input}"`,
        'it has both --input-data and --input-value: give one of them',
      );
    values[input] = { shape: null, values: [value] };
  }
  return { dimensions: dimension, shapes: shape, values };
}
