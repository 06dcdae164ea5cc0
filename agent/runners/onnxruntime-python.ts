/**
 * The board's own Python onnxruntime, which on a Jetson reaches the GPU (CUDA and TensorRT providers). The load generator
 * commands each run or burst of runs; the side-car times them, because the way there and back (some 50 µs, and cold caches)
 * would drown small models.
 */
import { executionProviderSchema } from '@edgetune/shared/domain/inference-config.ts';
import { z } from 'zod';
import { runText } from '../board/host.ts';
import { InputError, shapesOf, unknownType } from './model-inputs.ts';
import { pythonFolders } from './python/python-folders.ts';
import { pythonInterpreter, SideCar, sideCarScript } from './python/side-car.ts';
import { type CommandedModel, LIBRARIES, PROBE_TIMEOUT_MS, type Runner, type RunRequest } from './runner.ts';
import { TINY_MODEL_BASE64 } from './tiny-model.ts';

export const onnxruntimePython: Runner = {
  name: 'onnxruntime-python',
  description: "the board's own Python onnxruntime, on what that one offers: CPU, CUDA, TensorRT",
  executesHere: false,
  async probe(host) {
    const printed = await runText(host, pythonInterpreter(), ['-B', sideCarScript(), '--probe'], PROBE_TIMEOUT_MS);
    if (printed === null) return null;
    const answer = probed(printed);
    const what = 'measuring with onnxruntime-python';
    if (!answer)
      return {
        what,
        why: `${pythonInterpreter()} prints something of its own: ${JSON.stringify(printed.slice(0, 80))}`,
        how: 'make it print nothing when it starts (look for print in its sitecustomize.py and .pth files), or name another Python by EDGETUNE_AGENT_PYTHON',
      };
    if ('failed' in answer)
      return {
        what,
        why: `the onnxruntime of ${pythonInterpreter()} cannot be imported: ${answer.failed}`,
        how: 'install what it needs (numpy; for a GPU the CUDA version that it was built for), or name another Python by EDGETUNE_AGENT_PYTHON',
      };
    const { version, providers } = answer;
    return { version, executionProviders: providers, precisions: ['float32', 'float16', 'int8'] };
  },
  probedFrom: (host) => [...pythonFolders(host, pythonInterpreter()), LIBRARIES],
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

const probeSchema = z.union([
  z.object({ version: z.string(), providers: z.array(executionProviderSchema) }),
  z.object({ failed: z.string() }),
]);

/** null: it is no answer of the side-car's. */
function probed(printed: string): z.infer<typeof probeSchema> | null {
  try {
    return probeSchema.parse(JSON.parse(printed));
  } catch {
    return null;
  }
}

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

function commanded(
  sideCar: SideCar,
  inputs: readonly Input[],
  { config, dimensions, seed }: RunRequest,
): CommandedModel {
  const fed = new Set<number>();
  const feed = async (samples: number) => {
    const shapes = shapesOf(inputs, { batchSize: samples, fullBatch: config.batchSize, dimensions });
    const described = inputs.map((input) => describe(input, shapes.get(input.name) as number[]));
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
function describe({ name, type }: Input, shape: number[]) {
  if (!type.startsWith('tensor('))
    throw new InputError(`input "${name}" is no tensor: only models with tensor inputs can be measured`);
  const numpyType = NUMPY_TYPES[type];
  if (!numpyType) throw unknownType(name, type);
  return { name, type: numpyType, shape };
}
