/** Input values for a model from what it says of its inputs: shapes with the batch filled in, seeded random contents. */
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import { modelSizes, sizedShapes } from '@edgetune/shared/onnx/model-sizes.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelRefusedError } from './runner.ts';

/** A model that cannot be given inputs: the message names the input and says what to do. */
export class InputError extends ModelRefusedError {
  override name = 'InputError';
}

export interface InputOptions {
  batchSize: number;
  /** What a model whose batch is fixed runs in any case: smaller ones are padded to it. Absent: `batchSize`. */
  fullBatch?: number;
  /** Sizes of named axes. */
  dimensions: Readonly<Record<string, number>>;
  seed: number;
}

/** An input as the runtime describes it; a dimension without a fixed size is a name, one without a name is empty or not positive. */
export interface InputDescription {
  name: string;
  shape: readonly (number | string)[];
}

/**
 * Shapes of inputs for a batch, by the rule of the coordinator (`shared/onnx`, `sizedShapes`).
 * @throws {InputError} for a size that nobody gave, or a batch that the model cannot run
 */
export function shapesOf(
  inputs: readonly InputDescription[],
  { batchSize, fullBatch = batchSize, dimensions }: Omit<InputOptions, 'seed'>,
): ReadonlyMap<string, number[]> {
  const described = inputs.map(({ name, shape }) => ({ name, shape: [...shape] }));
  try {
    const isOpen = modelSizes({ inputs: described, outputs: [] }, dimensions).fixedBatch === null;
    return sizedShapes(described, { batchSize: isOpen ? batchSize : fullBatch, dimensions });
  } catch (error) {
    if (error instanceof OnnxError) throw new InputError(error.message, { cause: error });
    throw error;
  }
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
  const shapes = shapesOf(tensors, options);
  return Object.fromEntries(
    session.inputMetadata.map((metadata) => {
      if (!metadata.isTensor)
        throw new InputError(`input "${metadata.name}" is no tensor: only models with tensor inputs can be measured`);
      const { name, type } = metadata;
      return [name, makeTensor(OrtTensor, { name, type, dims: shapes.get(name) as number[] }, random)];
    }),
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
