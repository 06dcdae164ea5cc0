/** Every composed gradient kernel against TensorFlow.js' plain CPU backend. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadBackend } from '../../../coordinator/training/backends/load-backend.ts';

before(async () => {
  const { name } = await loadBackend();
  if (!name.startsWith('tfjs-wasm')) console.log(`the backend here is ${name}: its own kernels are compared`);
});

async function onBackend<T>(name: string, compute: () => T): Promise<T> {
  const before = tf.getBackend();
  await tf.setBackend(name);
  try {
    return compute();
  } finally {
    await tf.setBackend(before);
  }
}

/** The gradients of sum(f(x, w) · c) by x and w, as plain arrays. */
function gradients(f: (x: tf.Tensor4D, w: tf.Tensor4D) => tf.Tensor, xShape: number[], wShape: number[]): number[][] {
  return tf.tidy(() => {
    const x = tf.randomNormal(xShape as [number, number, number, number], 0, 1, 'float32', 1) as tf.Tensor4D;
    const w = tf.randomNormal(wShape as [number, number, number, number], 0, 1, 'float32', 2) as tf.Tensor4D;
    const weights = tf.randomNormal(f(x, w).shape, 0, 1, 'float32', 3);
    const [dx, dw] = tf.grads((a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.mul(f(a as tf.Tensor4D, b as tf.Tensor4D), weights)),
    )([x, w]);
    return [dx, dw].map((gradient) => Array.from((gradient as tf.Tensor).dataSync()));
  });
}

function assertClose(actual: number[], expected: number[]): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - (expected[i] as number)) / scale));
  assert.ok(worst < 1e-5, `differs by ${worst} relative to the largest value`);
}

const cases: {
  size: [number, number];
  kernel: [number, number];
  stride: number | [number, number];
  pad: 'same' | 'valid';
}[] = [];
for (const pad of ['same', 'valid'] as const) {
  for (const stride of [1, 2, 3, [2, 1] as [number, number]]) {
    for (const [size, kernel] of [
      [
        [8, 8],
        [3, 3],
      ],
      [
        [7, 9],
        [3, 3],
      ],
      [
        [9, 6],
        [5, 5],
      ],
      [
        [5, 7],
        [1, 1],
      ],
      [
        [6, 7],
        [2, 3],
      ],
    ] as const) {
      cases.push({ size: [...size], kernel: [...kernel], stride, pad });
    }
  }
}

describe('gradients on the training backend equal those of the plain backend', () => {
  for (const { size, kernel, stride, pad } of cases) {
    const title = `${size.join('×')}, kernel ${kernel.join('×')}, stride ${stride}, ${pad}`;
    it(`convolution, ${title}`, async () => {
      const compute = () => gradients((x, w) => tf.conv2d(x, w, stride, pad), [2, ...size, 3], [...kernel, 3, 4]);
      const [expected, actual] = [await onBackend('cpu', compute), compute()];
      for (const i of [0, 1]) assertClose(actual[i] as number[], expected[i] as number[]);
    });
    if (Array.isArray(stride)) continue; // TensorFlow.js' depthwise kernels take one stride.
    for (const multiplier of [1, 2]) {
      it(`depthwise convolution ×${multiplier}, ${title}`, async () => {
        const compute = () =>
          gradients((x, w) => tf.depthwiseConv2d(x, w, stride, pad), [2, ...size, 3], [...kernel, 3, multiplier]);
        const [expected, actual] = [await onBackend('cpu', compute), compute()];
        for (const i of [0, 1]) assertClose(actual[i] as number[], expected[i] as number[]);
      });
    }
  }

  it('gather (embedding rows)', async () => {
    const compute = () =>
      tf.tidy(() => {
        const table = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
        const ids = tf.tensor1d([4, 0, 4, 2], 'int32');
        const weights = tf.randomNormal([4, 3], 0, 1, 'float32', 2);
        return Array.from(
          tf
            .grad((t: tf.Tensor) => tf.sum(tf.mul(tf.gather(t, ids), weights)))(table)
            .dataSync(),
        );
      });
    assertClose(compute(), await onBackend('cpu', compute));
  });

  it('batch normalisation, by input, statistics, scale and offset', async () => {
    // The plain definition, whose parts have TensorFlow.js' own gradients, on the plain backend.
    const plain = (x: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, offset: tf.Tensor, scale: tf.Tensor) =>
      tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), scale), offset);
    const fused: typeof plain = (x, mean, variance, offset, scale) =>
      tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, offset as tf.Tensor1D, scale as tf.Tensor1D, 1e-3);
    const compute = (normalise: typeof plain) =>
      tf.tidy(() => {
        const x = tf.randomNormal([2, 5, 3, 4], 0, 1, 'float32', 1);
        const vectors = [2, 3, 4, 5].map((seed) => tf.abs(tf.randomNormal([4], 1, 0.3, 'float32', seed)));
        const weights = tf.randomNormal([2, 5, 3, 4], 0, 1, 'float32', 6);
        const loss = (...inputs: tf.Tensor[]) =>
          tf.sum(tf.mul(normalise(...(inputs as Parameters<typeof plain>)), weights));
        return tf
          .grads(loss)([x, ...vectors])
          .map((gradient) => Array.from(gradient.dataSync()));
      });
    const [expected, actual] = [await onBackend('cpu', () => compute(plain)), compute(fused)];
    for (const [i, gradient] of actual.entries()) assertClose(gradient, expected[i] as number[]);
  });

  it('leaks no tensors', () => {
    const compute = () => gradients((x, w) => tf.conv2d(x, w, 2, 'same'), [2, 7, 7, 3], [3, 3, 3, 4]);
    compute();
    const before = tf.memory().numTensors;
    compute();
    assert.equal(tf.memory().numTensors, before);
  });
});
