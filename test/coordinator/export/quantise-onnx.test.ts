/** Quantised models against their float originals, both in ONNX Runtime. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { graphPrecision } from '@edgetune/shared/onnx/graph-precision.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Attribute, OnnxGraphBuilder } from '../../../coordinator/export/onnx-graph-builder.ts';
import { QuantiseError, quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import type { Feeds } from '../../../coordinator/export/run-onnx.ts';
import { sharedData } from '../../support/data.ts';
import { buildOnnx, type NodeSpec } from '../../support/onnx-builder.ts';
import { batches, kernelsOf, randoms, relativeError } from './support/quantised.ts';

/** A network with what image classifiers are made of. */
function residualNetwork(): Uint8Array {
  const builder = new OnnxGraphBuilder();
  let seed = 100;
  const weights = (...dims: number[]) =>
    builder.weights(
      dims,
      randoms(
        dims.reduce((product, size) => product * size, 1),
        seed++,
      ),
    );
  const convolution = (
    x: string,
    into: number,
    from: number,
    size: number,
    attributes: Record<string, Attribute> = {},
  ) =>
    builder.node('Conv', [x, weights(into, from, size, size), weights(into)], {
      kernel_shape: { ints: [size, size] },
      pads: { ints: Array(4).fill((size - 1) / 2) },
      ...attributes,
    });
  const first = builder.node('Relu', [convolution('input', 16, 3, 3)]);
  const depthwise = convolution(first, 16, 1, 3, { group: { int: 16 } });
  const bounds = [0, 6].map((bound) => builder.weights([], Float32Array.of(bound)));
  const clipped = builder.node('Clip', [depthwise, ...bounds]);
  const sum = builder.node('Relu', [builder.node('Add', [convolution(clipped, 16, 16, 1), first])]);
  const pooled = builder.node('MaxPool', [sum], { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } });
  const both = builder.node('Concat', [convolution(pooled, 8, 16, 3), pooled], { axis: { int: 1 } });
  const flat = builder.node('Flatten', [builder.node('GlobalAveragePool', [both])]);
  const hidden = builder.node('Relu', [builder.node('Gemm', [flat, weights(24, 32), weights(32)])]);
  builder.node('Gemm', [hidden, weights(32, 5), weights(5)], {}, 'logits');
  return builder.finish({
    input: { name: 'input', dims: ['batch', 3, 16, 16] },
    output: { name: 'logits', dims: ['batch', 5] },
    metadata: { 'edgetune.input.layout': 'NCHW', classes: 'five' },
  });
}

describe('quantising', () => {
  it('makes a network of convolutions compute in integers from end to end', async (t) => {
    const float = residualNetwork();
    const int8 = await quantiseOnnx(float, batches('input', [2, 3, 16, 16]));
    const kernels = await kernelsOf(t, int8);
    assert.deepEqual(
      { ...kernels, Transpose: 0 },
      {
        QuantizeLinear: 1,
        QLinearConv: 4,
        QLinearAdd: 1,
        MaxPool: 1,
        QLinearConcat: 1,
        QLinearGlobalAveragePool: 1,
        Flatten: 1,
        QGemm: 2,
        Transpose: 0,
      },
    );
    // Another batch than the one it was calibrated with, in size and values.
    const [feeds] = batches('input', [5, 3, 16, 16], 9).slice(-1) as [Feeds];
    const error = await relativeError(float, int8, feeds);
    assert.ok(error < 0.04, `the outputs differ by ${error}`);
  });

  it('keeps what the model says of itself, and says that it is an int8 one', async () => {
    const float = residualNetwork();
    const int8 = await quantiseOnnx(float, batches('input', [1, 3, 16, 16], 1));
    const [before, after] = [readOnnx(float), readOnnx(int8)];
    assert.deepEqual([...after.metadata], [...before.metadata, ['edgetune.precision', 'int8']]);
    assert.deepEqual([after.inputs, after.outputs], [before.inputs, before.outputs]);
    assert.deepEqual([graphPrecision(before), graphPrecision(after)], ['float32', 'int8']);
    assert.deepEqual(int8, await quantiseOnnx(float, batches('input', [1, 3, 16, 16], 1)));
  });

  it('makes a file a quarter as large', async () => {
    const builder = new OnnxGraphBuilder();
    builder.node('Gemm', ['x', builder.weights([256, 512], randoms(256 * 512, 1))], {}, 'y');
    const io = (name: string, size: number) => ({ name, dims: ['batch', size] });
    const float = builder.finish({ input: io('x', 256), output: io('y', 512), metadata: {} });
    const int8 = await quantiseOnnx(float, batches('x', [4, 256]));
    assert.ok(int8.length < 0.27 * float.length, `${int8.length} of ${float.length} bytes`);
    assert.ok((await relativeError(float, int8, batches('x', [3, 256], 7).at(-1) as Feeds)) < 0.02);
  });

  it('leaves matrix products of sequences float outside, integer inside', async (t) => {
    const builder = new OnnxGraphBuilder();
    const product = builder.node('MatMul', ['x', builder.weights([8, 8], randoms(64, 1))]);
    const scores = builder.node('MatMul', [product, builder.node('Transpose', ['x'], { perm: { ints: [0, 2, 1] } })]);
    builder.node('Softmax', [scores], { axis: { int: -1 } }, 'y');
    const float = builder.finish({
      input: { name: 'x', dims: ['batch', 6, 8] },
      output: { name: 'y', dims: ['batch', 6, 6] },
      metadata: {},
    });
    const int8 = await quantiseOnnx(float, batches('x', [2, 6, 8]));
    const { MatMulIntegerToFloat, MatMul, Softmax } = await kernelsOf(t, int8);
    assert.deepEqual({ MatMulIntegerToFloat, MatMul, Softmax }, { MatMulIntegerToFloat: 1, MatMul: 1, Softmax: 1 });
    assert.ok((await relativeError(float, int8, batches('x', [3, 6, 8], 8).at(-1) as Feeds)) < 0.03);
  });

  it('keeps an activation that others than the next kernel depend on, and the names of outputs', async () => {
    const builder = new OnnxGraphBuilder();
    const pointwise = (x: string, from: number, output?: string) =>
      builder.node('Conv', [x, builder.weights([4, from, 1, 1], randoms(4 * from, from))], {}, output);
    const inner = pointwise('x', 3);
    const positive = builder.node('Relu', [inner]);
    // The convolution's own output is needed, too: its negative values must not be lost.
    const sum = builder.node('Add', [inner, positive]);
    pointwise(sum, 4, 'y');
    const float = builder.finish({
      input: { name: 'x', dims: ['batch', 3, 4, 4] },
      output: { name: 'y', dims: ['batch', 4, 4, 4] },
      metadata: {},
    });
    const int8 = await quantiseOnnx(float, batches('x', [2, 3, 4, 4]));
    assert.ok((await relativeError(float, int8, batches('x', [2, 3, 4, 4], 9).at(-1) as Feeds)) < 0.03);
  });

  it('takes convolutions that read any output of a Split, also where it is an output of the model', async (t) => {
    const raw = (count: number, seed: number) => new Uint8Array(randoms(count, seed).buffer);
    const float = buildOnnx({
      opset: 13,
      inputs: [{ name: 'x', shape: ['batch', 4, 8, 8] }],
      outputs: ['y', 'right'],
      initializers: [
        { name: 'w', dims: [4, 4, 1, 1], raw: raw(16, 1) },
        { name: 'v', dims: [4, 2, 3, 3], raw: raw(72, 2) },
      ],
      nodes: [
        { opType: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
        { opType: 'Split', inputs: ['c'], outputs: ['left', 'right'], int: { axis: 1 } },
        { opType: 'Conv', inputs: ['right', 'v'], outputs: ['y'] },
      ],
    });
    const int8 = await quantiseOnnx(float, batches('x', [2, 4, 8, 8]));
    assert.equal((await kernelsOf(t, int8)).QLinearConv, 2);
    assert.ok((await relativeError(float, int8, batches('x', [2, 4, 8, 8], 9).at(-1) as Feeds)) < 0.03);
  });

  it('takes models of older operator sets, their normalisation, and initializers among their inputs', async (t) => {
    const raw = (values: Float32Array) => new Uint8Array(values.buffer);
    const positive = (count: number, seed: number) => randoms(count, seed).map((value) => 1.5 + value);
    const channels = ['scale', 'bias', 'mean', 'variance'];
    for (const opset of [8, 11, 12]) {
      const float = buildOnnx({
        opset,
        inputs: [
          { name: 'x', shape: ['batch', 3, 8, 8] },
          { name: 'w', shape: [6, 3, 3, 3] },
          { name: 'scale', shape: [6] },
        ],
        outputs: ['y'],
        initializers: [
          { name: 'w', dims: [6, 3, 3, 3], raw: raw(randoms(162, 1)) },
          ...channels.map((name, i) => ({ name, dims: [6], raw: raw(positive(6, i + 2)) })),
        ],
        nodes: [
          { opType: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
          { opType: 'BatchNormalization', inputs: ['c', ...channels], outputs: ['n'] },
          { opType: 'Relu', inputs: ['n'], outputs: ['y'] },
        ],
      });
      const int8 = await quantiseOnnx(float, batches('x', [2, 3, 8, 8]));
      const { QLinearConv, Conv, BatchNormalization } = await kernelsOf(t, int8);
      assert.deepEqual(
        { QLinearConv, Conv, BatchNormalization },
        { QLinearConv: 1, Conv: undefined, BatchNormalization: undefined },
      );
      const error = await relativeError(float, int8, batches('x', [2, 3, 8, 8], 9).at(-1) as Feeds);
      assert.ok(error < 0.03, `operator set ${opset}: ${error}`);
    }
  });

  it('refuses what it cannot quantise, and says why', async () => {
    const model = (opset: number, ...nodes: NodeSpec[]) =>
      buildOnnx({
        opset,
        inputs: [{ name: 'x', shape: ['batch', 2] }],
        outputs: [(nodes.at(-1) as NodeSpec).outputs[0] as string],
        initializers: [
          { name: 'w', dims: [2, 2], raw: new Uint8Array(Float32Array.of(1e38, 1e38, 1e38, 1e38).buffer) },
        ],
        nodes,
      });
    const node = (opType: string, inputs: string[], output: string): NodeSpec => ({
      opType,
      inputs,
      outputs: [output],
    });
    const product = node('MatMul', ['x', 'w'], 'y');
    const feeds = (value: number) => [{ x: new Tensor('float32', [value, value], [1, 2]) }];
    const refused = (onnx: Uint8Array, message: RegExp, value = 1) =>
      assert.rejects(quantiseOnnx(onnx, feeds(value)), (error: Error) => {
        assert.ok(error instanceof QuantiseError, `${error}`);
        assert.match(error.message, message);
        return true;
      });
    const once = await quantiseOnnx(residualNetwork(), batches('input', [1, 3, 16, 16], 1));
    await refused(once, /quantised already: node ".+" is a QuantizeLinear/);
    await refused(
      model(17, node('Relu', ['x'], 'y')),
      /no convolution, matrix product or embedding of it has constant float32/,
    );
    await refused(model(6, product), /operator set 6 is older than 7/);
    await refused(model(17, product, node('MatMul', ['y', 'w'], 'z')), /"y" becomes Infinity on a calibration/, 1e30);
  });

  it('costs a trained network less than a point of accuracy', async (t) => {
    const [path, images] = ['datasets/onnx-models/resnet8-cifar10.onnx', 'datasets/cifar10'].map(sharedData);
    if (!path || !images) return t.skip('the shared models and images are absent');
    const pixels = 3 * 32 * 32;
    const read = (file: string, count: number) => {
      const bytes = new Uint8Array(readFileSync(join(images, file)));
      return Array.from({ length: count }, (_, i) => {
        const start = i * (pixels + 1);
        const values = Float32Array.from(bytes.subarray(start + 1, start + 1 + pixels));
        return { label: bytes[start], input_1: new Tensor('float32', values, [1, 3, 32, 32]) };
      });
    };
    const float = new Uint8Array(readFileSync(path));
    const calibration = read('data_batch_1.bin', 100).map(({ input_1 }) => ({ input_1 }));
    const int8 = await quantiseOnnx(float, calibration);
    const samples = [...read('test_batch.bin', 400), ...read('large-jpeg/test_batch.bin', 700)];
    const accuracy = async (onnx: Uint8Array) => {
      const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1 });
      let right = 0;
      for (const { label, input_1 } of samples) {
        const scores = Object.values(await session.run({ input_1 }))[0]?.data as Float32Array;
        if (scores.indexOf(Math.max(...scores)) === label) right++;
      }
      await session.release();
      return right / samples.length;
    };
    const [before, after] = [await accuracy(float), await accuracy(int8)];
    t.diagnostic(`accuracy ${before} in float32, ${after} in int8; ${float.length} and ${int8.length} bytes`);
    assert.ok(after > before - 0.01, `${before} → ${after}`);
  });
});
