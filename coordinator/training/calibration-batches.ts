/** Inputs on which the ranges of a model's activations are observed before it is quantised. */

import { keyedRandom32 } from '@edgetune/shared/math/random.ts';
import type { Dtype } from '@edgetune/shared/onnx/dtype.ts';
import type { OnnxGraph } from '@edgetune/shared/onnx/graph.ts';
import { inputShapes } from '@edgetune/shared/onnx/infer-shapes.ts';
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
 * Random inputs of a model of which no data are at hand: enough for what its int8 variant costs, not for what it answers.
 * @throws {OnnxError} where a size is not known @throws {QuantiseError} where a type has no random values
 */
export async function randomBatches(
  graph: OnnxGraph,
  dimensions: Readonly<Record<string, number>>,
  seed = 1,
): Promise<Feeds[]> {
  const { Tensor } = await loadOnnxRuntime();
  const shapes = inputShapes(graph, { batchSize: 1, dimensions });
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

/** Small integers are valid as token ids and as indices. */
function randomValues(dtype: Dtype, count: number, random: () => number): Float32Array {
  const small = () => Math.floor(random() * 2);
  const filled = <T extends Float32Array | Int32Array | Uint8Array>(values: T, next: () => number): T => {
    for (let i = 0; i < count; i++) values[i] = next();
    return values;
  };
  const values = {
    float32: () => filled(new Float32Array(count), () => 2 * random() - 1),
    int64: () => BigInt64Array.from(filled(new Int32Array(count), small), BigInt),
    int32: () => filled(new Int32Array(count), small),
    uint8: () => filled(new Uint8Array(count), small),
    bool: () => filled(new Uint8Array(count), small),
  }[dtype as string];
  if (!values) throw new QuantiseError(`an input of type ${dtype}: there is nothing to calibrate it with`);
  // The runtime checks that values and type belong together; its types cannot say so for a type that varies.
  return values() as Float32Array;
}
