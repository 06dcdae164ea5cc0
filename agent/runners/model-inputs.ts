/** Input values for a model from what it says of its inputs: shapes with the batch filled in, seeded random contents. */
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelRefusedError } from './runner.ts';

/** A model that cannot be given inputs: the message names the input and says what to do. */
export class InputError extends ModelRefusedError {
  override name = 'InputError';
}

/** Names that exporters give to the batch dimension; an unnamed first dimension is taken for it too. */
const BATCH_NAMES = /^(batch|n|batch_?size|unk__\d+|\?)$/i;

export interface InputOptions {
  batchSize: number;
  /** Sizes of other symbolic dimensions, by name. */
  dimensions: Readonly<Record<string, number>>;
  seed: number;
}

/** An input as the runtime describes it; a dimension without a fixed size is a name. */
export interface InputDescription {
  name: string;
  shape: readonly (number | string)[];
}

/** Shape of an input for a batch. @throws {InputError} */
export function shapeOf({ name, shape }: InputDescription, options: Omit<InputOptions, 'seed'>): number[] {
  return shape.map((size, axis) => sizeOf(name, size, axis, options));
}

/** @param OrtTensor ONNX Runtime's class of tensors, which only the runner that needs it loads. @throws {InputError} */
export function makeInputs(
  OrtTensor: typeof Tensor,
  session: Pick<InferenceSession, 'inputMetadata'>,
  options: InputOptions,
): Record<string, Tensor> {
  const bits = congruential32(options.seed ^ 0x5bd1e995);
  const random = () => bits() / 2 ** 32;
  return Object.fromEntries(
    session.inputMetadata.map((metadata) => {
      if (!metadata.isTensor)
        throw new InputError(`input "${metadata.name}" is no tensor: only models with tensor inputs can be measured`);
      const { name, type } = metadata;
      return [name, makeTensor(OrtTensor, { name, type, dims: shapeOf(metadata, options) }, random)];
    }),
  );
}

function sizeOf(
  input: string,
  size: number | string,
  axis: number,
  { batchSize, dimensions }: Omit<InputOptions, 'seed'>,
): number {
  if (typeof size === 'number' && size > 0) {
    if (axis === 0 && size === 1 && batchSize > 1) {
      throw new InputError(
        `input "${input}" has the fixed batch ${size}: batch ${batchSize} cannot be run; export the model with a dynamic batch`,
      );
    }
    return size;
  }
  const name = String(size);
  if (Object.hasOwn(dimensions, name)) return dimensions[name] as number;
  if (axis === 0 || BATCH_NAMES.test(name)) return batchSize;
  throw new InputError(
    `input "${input}" has the dynamic dimension "${name}" (axis ${axis}): give its size in "dimensions"`,
  );
}

function makeTensor(
  OrtTensor: typeof Tensor,
  { name, type, dims }: { name: string; type: string; dims: number[] },
  random: () => number,
): Tensor {
  const count = dims.reduce((product, size) => product * size, 1);
  const fill = <T extends { [index: number]: number; length: number }>(values: T, value: () => number): T => {
    for (let i = 0; i < values.length; i++) values[i] = value();
    return values;
  };
  switch (type) {
    case 'float32':
      return new OrtTensor(
        type,
        fill(new Float32Array(count), () => 2 * random() - 1),
        dims,
      );
    case 'float64':
      return new OrtTensor(
        type,
        fill(new Float64Array(count), () => 2 * random() - 1),
        dims,
      );
    case 'float16':
      // Halves between 0.5 and 1: exponent 14, any mantissa (IEEE 754 binary16).
      return new OrtTensor(
        type,
        fill(new Uint16Array(count), () => 0x3800 + Math.floor(random() * 1024)),
        dims,
      );
    case 'int64':
      // Small, so that they are valid as token ids and indices.
      return new OrtTensor(
        type,
        BigInt64Array.from({ length: count }, () => BigInt(Math.floor(random() * 2))),
        dims,
      );
    case 'int32':
      return new OrtTensor(
        type,
        fill(new Int32Array(count), () => Math.floor(random() * 2)),
        dims,
      );
    case 'uint8':
      return new OrtTensor(
        type,
        fill(new Uint8Array(count), () => Math.floor(random() * 256)),
        dims,
      );
    case 'int8':
      return new OrtTensor(
        type,
        fill(new Int8Array(count), () => Math.floor(random() * 256) - 128),
        dims,
      );
    case 'bool':
      return new OrtTensor(
        type,
        fill(new Uint8Array(count), () => Math.floor(random() * 2)),
        dims,
      );
    default:
      throw unknownType(name, type);
  }
}

export function unknownType(input: string, type: string): InputError {
  return new InputError(`input "${input}" is of type ${type}: the agent cannot make values of that type yet`);
}
