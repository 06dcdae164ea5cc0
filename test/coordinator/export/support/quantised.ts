/** Float models and their quantised variants side by side, in ONNX Runtime. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { keyedRandom32 } from '@edgetune/shared/math/random.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Feeds } from '../../../../coordinator/export/run-onnx.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

export function randoms(count: number, seed: number): Float32Array {
  const random = keyedRandom32(seed);
  return Float32Array.from({ length: count }, () => 2 * random.uniform() - 1);
}

export function batches(name: string, dims: number[], count = 4): Feeds[] {
  const elements = dims.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, i) => ({ [name]: new Tensor('float32', randoms(elements, i + 1), dims) }));
}

/** Root of the mean squared difference of the outputs over that of the float model's outputs. */
export async function relativeError(float: Uint8Array, int8: Uint8Array, feeds: Feeds): Promise<number> {
  const [expected, actual] = await Promise.all([outputsOf(float, feeds), outputsOf(int8, feeds)]);
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  let [error, power] = [0, 0];
  for (const [name, tensor] of Object.entries(expected)) {
    assert.deepEqual(actual[name]?.dims, tensor.dims);
    const values = actual[name]?.data as Float32Array;
    for (const [i, value] of (tensor.data as Float32Array).entries()) {
      error += (value - (values[i] as number)) ** 2;
      power += value ** 2;
    }
  }
  return Math.sqrt(error / power);
}

export async function outputsOf(onnx: Uint8Array, feeds: Feeds) {
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1 });
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
}

/** Operators that ONNX Runtime runs in the end. */
export async function kernelsOf(t: TestContext, onnx: Uint8Array): Promise<Record<string, number>> {
  const path = join(temporaryFolder(t), 'optimised.onnx');
  const session = await InferenceSession.create(onnx, {
    graphOptimizationLevel: 'all',
    optimizedModelFilePath: path,
    logSeverityLevel: 3,
  });
  await session.release();
  const counts: Record<string, number> = {};
  for (const node of readOnnx(new Uint8Array(readFileSync(path))).nodes) {
    const opType = node.opType.replace(/^Nhwc/, '');
    counts[opType] = (counts[opType] ?? 0) + 1;
  }
  return counts;
}
