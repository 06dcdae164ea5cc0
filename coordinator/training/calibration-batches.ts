/** Inputs on which the ranges of a model's activations are observed before it is quantised. */

import { keyedRandom32 } from '@edgetune/shared/math/random.ts';
import type { Dtype } from '@edgetune/shared/onnx/dtype.ts';
import { givenInputs } from '@edgetune/shared/onnx/given-inputs.ts';
import type { OnnxGraph, OnnxTensor } from '@edgetune/shared/onnx/graph.ts';
import { inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
import { modelSizes } from '@edgetune/shared/onnx/model-sizes.ts';
import { elementsOf } from '@edgetune/shared/onnx/shape-rules/rule.ts';
import { channelsFirst, INPUT_NAME } from '../export/export-layers-model.ts';
import { loadOnnxRuntime } from '../export/load-onnxruntime.ts';
import { QuantiseError } from '../export/quantise-onnx.ts';
import type { Feeds } from '../export/run-onnx.ts';
import { stratifiedOrder } from './datasets/finish/splits.ts';
import { toChannelsFirst } from './evaluate-onnx.ts';
import type { LoadedTask } from './workloads/workload.ts';

/** Ranges are those of quantisation papers and of ONNX Runtime's examples after about a hundred samples. */
const SAMPLES = 128;
const BATCH = 32;

/** Samples of the training split, or of another one, of every class; always the same ones. */
export async function trainingBatches(
  task: LoadedTask,
  split: Parameters<LoadedTask['inputs']>[0] = 'train',
): Promise<Feeds[]> {
  const { Tensor } = await loadOnnxRuntime();
  const chosen = stratifiedOrder(task.labels(split), 0).subarray(0, SAMPLES);
  return Array.from({ length: Math.ceil(chosen.length / BATCH) }, (_, batch) => {
    const indices = chosen.subarray(batch * BATCH, (batch + 1) * BATCH);
    const values = toChannelsFirst(task.inputs(split, indices), task.inputShape, indices.length);
    return { [INPUT_NAME]: new Tensor('float32', values, [indices.length, ...channelsFirst(task.inputShape)]) };
  });
}

/** Batches of random inputs. */
const RANDOM_BATCHES = 4;

/**
 * Random inputs of a model of which no data are at hand: enough for what its int8 variant costs, not for what it answers. Those that
 * the user has given are in the model (`shared/onnx`, `fixInputs`).
 * @throws {OnnxError} where a size is not known @throws {QuantiseError} where a type has no random values
 */
export async function randomBatches(
  graph: OnnxGraph,
  dimensions: Readonly<Record<string, number>>,
  seed = 1,
): Promise<Feeds[]> {
  const { Tensor } = await loadOnnxRuntime();
  const batchSize = modelSizes(graph, dimensions).fixedBatch ?? 1;
  const shapes = inputShapes(graph, { batchSize, dimensions });
  const random = keyedRandom32(seed);
  return Array.from({ length: RANDOM_BATCHES }, () =>
    Object.fromEntries(
      graph.inputs.map(({ name, dtype }) => {
        const dims = shapes.get(name) as number[];
        return [name, new Tensor(dtype as 'float32', randomValues(dtype, elementsOf(dims), random.uniform), dims)];
      }),
    ),
  );
}

/** What the user has given of a model's inputs, for the model without it. @throws {QuantiseError} as `randomBatches` */
export async function givenFeeds(graph: OnnxGraph): Promise<Feeds> {
  const { Tensor } = await loadOnnxRuntime();
  const feeds = [...givenInputs(graph)].map((name) => {
    const { dtype, dims, elementCount, read } = graph.initializers.get(name) as OnnxTensor;
    const values = read() ?? [];
    const elements = elementsOfType(dtype, elementCount, (index) => values[index] as number);
    return [name, new Tensor(dtype as 'float32', elements, dims)];
  });
  return Object.fromEntries(feeds);
}

/** Small integers are valid as token ids and as indices. */
function randomValues(dtype: Dtype, count: number, random: () => number): Float32Array {
  const next = dtype === 'float32' ? () => 2 * random() - 1 : () => Math.floor(random() * 2);
  return elementsOfType(dtype, count, next);
}

function elementsOfType(dtype: Dtype, count: number, next: (index: number) => number): Float32Array {
  const filled = <T extends Float32Array | Int32Array | Uint8Array>(values: T): T => {
    for (let i = 0; i < count; i++) values[i] = next(i);
    return values;
  };
  const values = {
    float32: () => filled(new Float32Array(count)),
    int64: () => BigInt64Array.from({ length: count }, (_, index) => BigInt(next(index))),
    int32: () => filled(new Int32Array(count)),
    uint8: () => filled(new Uint8Array(count)),
    bool: () => filled(new Uint8Array(count)),
  }[dtype as string];
  if (!values) throw new QuantiseError(`an input of type ${dtype}: there is nothing to calibrate it with`);
  // The runtime checks that values and type belong together; its types cannot say so for a type that varies.
  return values() as Float32Array;
}
