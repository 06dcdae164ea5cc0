/**
 * Of several ways to round the weights of a model, the one whose answers are nearest to the float model's on the samples. What
 * rounding does to an answer is a sum of many small errors that are the same for every sample: no scale is the best for all
 * weights, and which is shows only when they are tried.
 */
import type { Tensor } from 'onnxruntime-node';
import { type Feeds, loadSession } from './run-onnx.ts';

/**
 * @param candidates files that stand for the float model; the first of those that are equally near is taken
 * @throws {Error} where one does not run
 */
export async function nearest(
  float: Uint8Array,
  candidates: Iterable<Uint8Array>,
  batches: readonly Feeds[],
): Promise<Uint8Array> {
  const expected = await answersOf(float, batches);
  let best: { onnx: Uint8Array; error: number } | null = null;
  for (const onnx of candidates) {
    const error = errorOf(expected, await answersOf(onnx, batches));
    if (!best || error < best.error) best = { onnx, error };
  }
  if (!best) throw new Error('there is nothing to choose from');
  return best.onnx;
}

type Answers = readonly Readonly<Record<string, Tensor>>[];

async function answersOf(onnx: Uint8Array, batches: readonly Feeds[]): Promise<Answers> {
  const session = await loadSession(onnx);
  try {
    const answers: Record<string, Tensor>[] = [];
    for (const feeds of batches) answers.push((await session.run(feeds)) as Record<string, Tensor>);
    return answers;
  } finally {
    await session.release();
  }
}

/** Power of the differences by that of what is expected; of several outputs the worst. */
function errorOf(expected: Answers, actual: Answers): number {
  const floats = Object.entries(expected[0] ?? {}).filter(([, { type }]) => type === 'float32');
  return Math.max(
    0,
    ...floats.map(([name]) => {
      let [power, error] = [0, 0];
      for (const [batch, answer] of expected.entries()) {
        const values = actual[batch]?.[name]?.data as Float32Array;
        const wanted = (answer[name] as Tensor).data as Float32Array;
        for (let at = 0; at < wanted.length; at++) {
          power += (wanted[at] as number) ** 2;
          error += ((wanted[at] as number) - (values[at] as number)) ** 2;
        }
      }
      return error === 0 ? 0 : error / power;
    }),
  );
}
