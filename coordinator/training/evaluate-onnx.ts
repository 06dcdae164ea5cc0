/** How well an exported model does where it will run: in ONNX Runtime. */
import { channelsFirst, INPUT_NAME, OUTPUT_NAME } from '../export/export-layers-model.ts';
import { loadOnnxRuntime } from '../export/load-onnxruntime.ts';
import { ClassificationTally } from './classification-tally.ts';
import { DivergedError, type Evaluation } from './training-service.ts';
import type { LoadedTask } from './workloads/workload.ts';

const BATCH = 64;

/** @throws {DivergedError} where its answers are no numbers */
export async function evaluateOnnx(
  task: LoadedTask,
  onnx: Uint8Array,
  split: 'validation' | 'test',
): Promise<Evaluation> {
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  try {
    const labels = task.labels(split);
    const tally = new ClassificationTally(task.classes);
    for (let start = 0; start < labels.length; start += BATCH) {
      const indices = Array.from({ length: Math.min(BATCH, labels.length - start) }, (_, i) => start + i);
      const values = toChannelsFirst(task.inputs(split, indices), task.inputShape, indices.length);
      const feeds = {
        [INPUT_NAME]: new Tensor('float32', values, [indices.length, ...channelsFirst(task.inputShape)]),
      };
      const logits = (await session.run(feeds))[OUTPUT_NAME]?.data as Float32Array;
      for (let i = 0; i < indices.length; i++) {
        const own = logits.subarray(i * task.classes.length, (i + 1) * task.classes.length);
        tally.add(own, labels[start + i] as number);
      }
    }
    const evaluation = tally.evaluation();
    if (!Number.isFinite(evaluation.metrics.loss))
      throw new DivergedError(`the exported model answers with no numbers on the ${split} split`);
    return evaluation;
  } finally {
    await session.release();
  }
}

/** Images from rows × columns × channels to channels × rows × columns; other samples stay as they are. */
export function toChannelsFirst(values: Float32Array, shape: readonly number[], count: number): Float32Array {
  if (shape.length !== 3) return values;
  const [height, width, channels] = shape as [number, number, number];
  const pixels = height * width;
  const moved = new Float32Array(values.length);
  for (let sample = 0; sample < count; sample++) {
    const start = sample * pixels * channels;
    for (let pixel = 0; pixel < pixels; pixel++) {
      for (let channel = 0; channel < channels; channel++) {
        moved[start + channel * pixels + pixel] = values[start + pixel * channels + channel] as number;
      }
    }
  }
  return moved;
}
