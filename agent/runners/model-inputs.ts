/** Input values for a model from what it says of its inputs: shapes with the batch filled in, seeded random contents. */
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelRefusedError } from './runner.ts';

/** A model that cannot be given inputs: the message names the input and says what to do. */
export class InputError extends ModelRefusedError {
  override name = 'InputError';
}

export interface InputOptions {
  batchSize: number;
  /** Sizes of other symbolic dimensions, by name. */
  dimensions: Readonly<Record<string, number>>;
  seed: number;
}

/** An input as the runtime describes it; a dimension without a fixed size is a name, one without a name is empty or not positive. */
export interface InputDescription {
  name: string;
  shape: readonly (number | string)[];
}

/**
 * Tells the shape of each of these inputs for a batch, by the rule of the coordinator (`shared/onnx`, `inputShapes`): the
 * batch is the first axis that is left open, and every other axis of the same name. Other sizes are given, never guessed.
 */
export function shapeTeller(
  inputs: readonly Pick<InputDescription, 'shape'>[],
  options: Omit<InputOptions, 'seed'>,
): (input: InputDescription) => number[] {
  const firsts = inputs.map(({ shape: [first] }) => first);
  const batch = new Set(firsts.filter((size) => typeof size === 'string' && size !== ''));
  /** @throws {InputError} */
  return ({ name, shape }) => shape.map((size, axis) => sizeOf(name, size, axis, { ...options, batch }));
}

/** @param OrtTensor ONNX Runtime's class of tensors, which only the runner that needs it loads. @throws {InputError} */
export function makeInputs(
  OrtTensor: typeof Tensor,
  session: Pick<InferenceSession, 'inputMetadata'>,
  options: InputOptions,
): Record<string, Tensor> {
  const bits = congruential32(options.seed ^ 0x5bd1e995);
  const random = () => bits() / 2 ** 32;
  const tensors = session.inputMetadata.filter(({ isTensor }) => isTensor) as InputDescription[];
  const shapeOf = shapeTeller(tensors, options);
  return Object.fromEntries(
    session.inputMetadata.map((metadata) => {
      if (!metadata.isTensor)
        throw new InputError(`input "${metadata.name}" is no tensor: only models with tensor inputs can be measured`);
      const { name, type } = metadata;
      return [name, makeTensor(OrtTensor, { name, type, dims: shapeOf(metadata) }, random)];
    }),
  );
}

function sizeOf(
  input: string,
  size: number | string,
  axis: number,
  { batchSize, dimensions, batch }: Omit<InputOptions, 'seed'> & { batch: ReadonlySet<unknown> },
): number {
  if (typeof size === 'number' && size > 0) {
    if (axis === 0 && size === 1 && batchSize > 1) {
      throw new InputError(
        `input "${input}" has the fixed batch ${size}: batch ${batchSize} cannot be run; export the model with a dynamic batch`,
      );
    }
    return size;
  }
  const name = typeof size === 'string' ? size : '';
  if (Object.hasOwn(dimensions, name)) return dimensions[name] as number;
  if (name === '' ? axis === 0 : batch.has(name)) return batchSize;
  if (name === '')
    throw new InputError(
      `input "${input}" leaves axis ${axis} open and unnamed: export the model with a name or a size for it`,
    );
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
