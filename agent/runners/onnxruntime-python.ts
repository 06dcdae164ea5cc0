/**
 * The board's own Python onnxruntime, which on a Jetson reaches the GPU (CUDA and TensorRT providers). The load generator
 * commands each run or burst of runs; the side-car times them, because the way there and back (some 50 µs, and cold caches)
 * would drown small models.
 */
import { InputError, shapeOf, unknownType } from './model-inputs.ts';
import { SideCar } from './python/side-car.ts';
import type { CommandedModel, Runner, RunRequest } from './runner.ts';
import { TINY_MODEL_BASE64 } from './tiny-model.ts';

export const onnxruntimePython: Runner = {
  name: 'onnxruntime-python',
  async start(request) {
    const { threads, executionProvider, precision } = request.config;
    const sideCar = new SideCar();
    await sideCar.ask('started', {
      do: 'start',
      tinyModel: TINY_MODEL_BASE64,
      threads,
      provider: executionProvider,
      precision,
    });
    return {
      async load() {
        const { inputs } = await sideCar.ask('loaded', { do: 'load', modelPath: request.modelPath });
        return commanded(sideCar, inputs, request);
      },
    };
  },
};

/** numpy's names of the tensor types (onnxruntime's `NodeArg.type`) that values can be made for. */
const NUMPY_TYPES: Readonly<Record<string, string>> = {
  'tensor(float)': 'float32',
  'tensor(double)': 'float64',
  'tensor(float16)': 'float16',
  'tensor(int64)': 'int64',
  'tensor(int32)': 'int32',
  'tensor(uint8)': 'uint8',
  'tensor(int8)': 'int8',
  'tensor(bool)': 'bool',
};

interface Input {
  name: string;
  type: string;
  shape: (number | string)[];
}

function commanded(sideCar: SideCar, inputs: readonly Input[], { dimensions, seed }: RunRequest): CommandedModel {
  const fed = new Set<number>();
  const feed = async (samples: number) => {
    const described = inputs.map((input) => describe(input, samples, dimensions));
    await sideCar.ask('fed', { do: 'feed', samples, inputs: described, seed });
    fed.add(samples);
  };
  return {
    kind: 'commanded',
    async run(samples) {
      if (!fed.has(samples)) await feed(samples);
      const { durationsMs, outputRows } = await sideCar.ask('ran', { do: 'run', samples, times: 1 });
      return { durationMs: durationsMs[0] as number, outputRows };
    },
    async burst(samples, times) {
      if (!fed.has(samples)) await feed(samples);
      return (await sideCar.ask('ran', { do: 'run', samples, times })).durationsMs;
    },
    usage: () => sideCar.ask('usage', { do: 'usage' }),
  };
}

/** @throws {InputError} */
function describe(input: Input, batchSize: number, dimensions: RunRequest['dimensions']) {
  const { name, type } = input;
  if (!type.startsWith('tensor('))
    throw new InputError(`input "${name}" is no tensor: only models with tensor inputs can be measured`);
  const numpyType = NUMPY_TYPES[type];
  if (!numpyType) throw unknownType(name, type);
  return { name, type: numpyType, shape: shapeOf(input, { batchSize, dimensions }) };
}
