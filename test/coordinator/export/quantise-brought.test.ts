/** Models of the kinds that people bring, quantised and run in ONNX Runtime. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { Tensor } from 'onnxruntime-node';
import { QuantiseError, quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import type { Feeds } from '../../../coordinator/export/run-onnx.ts';
import { sharedCase } from '../../support/data.ts';
import { buildOnnx, type ModelSpec, type NodeSpec, type TensorSpec } from '../../support/onnx-builder.ts';
import { batches, kernelsOf, outputsOf, randoms, relativeError } from './support/quantised.ts';

const node = (opType: string, inputs: string[], output: string, rest: Partial<NodeSpec> = {}): NodeSpec => ({
  ...{ opType, inputs, outputs: [output] },
  ...rest,
});
let seed = 1;
const floats = (name: string, dims: number[], factor = 1): TensorSpec => {
  const count = dims.reduce((product, size) => product * size, 1);
  return { name, dims, raw: new Uint8Array(randoms(count, seed++).map((value) => value * factor).buffer) };
};
const modelOf = (shape: (string | number)[], nodes: NodeSpec[], initializers: TensorSpec[], rest = {}): ModelSpec => ({
  ...{ opset: 13, inputs: [{ name: 'x', shape }], outputs: ['y'], initializers, nodes },
  ...rest,
});

async function valuesOf(onnx: Uint8Array, feeds: Feeds): Promise<Float32Array> {
  const { y } = await outputsOf(onnx, feeds);
  return (y as Tensor).data as Float32Array;
}

/** What ONNX Runtime runs of the variant, and how far its answers are from the float model's. */
async function quantised(t: TestContext, float: Uint8Array, dims: number[]) {
  const int8 = await quantiseOnnx(float, batches('x', dims));
  const [feeds] = batches('x', dims, 9).slice(-1) as [Feeds];
  return { int8, kernels: await kernelsOf(t, int8), error: await relativeError(float, int8, feeds), feeds };
}

describe('fully connected layers', () => {
  const weights = [floats('w', [24, 16]), floats('b', [16]), floats('v', [16, 8]), floats('c', [8])];
  const added = [
    node('MatMul', ['x', 'w'], 'p'),
    node('Add', ['p', 'b'], 's'),
    node('Relu', ['s'], 'r'),
    node('MatMul', ['r', 'v'], 'q'),
    node('Add', ['c', 'q'], 'y'),
  ];
  const gemms = [node('Gemm', ['x', 'w', 'b'], 's'), node('Relu', ['s'], 'r'), node('Gemm', ['r', 'v', 'c'], 'y')];

  it('a product and a bias as Keras writes them become what their Gemm twin becomes', async (t) => {
    const build = (nodes: NodeSpec[]) => buildOnnx(modelOf(['batch', 24], nodes, weights));
    const [one, twin] = [await quantised(t, build(added), [2, 24]), await quantised(t, build(gemms), [2, 24])];
    assert.deepEqual(one.kernels, { QuantizeLinear: 1, QGemm: 2 });
    assert.deepEqual(twin.kernels, one.kernels);
    assert.equal(signatureOf(readOnnx(one.int8)), signatureOf(readOnnx(twin.int8)));
    assert.deepEqual(await outputsOf(one.int8, one.feeds), await outputsOf(twin.int8, one.feeds));
    assert.ok(one.error < 0.03, `the outputs differ by ${one.error}`);
  });

  it('of older operator sets too', async (t) => {
    for (const opset of [7, 11, 12]) {
      const { kernels, error, int8 } = await quantised(
        t,
        buildOnnx(modelOf(['batch', 24], added, weights, { opset })),
        [2, 24],
      );
      assert.deepEqual(kernels, { QuantizeLinear: 1, QGemm: 2 });
      assert.equal(readOnnx(int8).opsets.get(''), 13);
      assert.ok(error < 0.03, `operator set ${opset}: ${error}`);
    }
  });

  it('of sequences are products in integers with their bias', async (t) => {
    const { kernels, error, int8 } = await quantised(
      t,
      buildOnnx(modelOf(['batch', 'tokens', 24], added, weights)),
      [2, 3, 24],
    );
    assert.deepEqual(kernels, { QuantizeLinear: 2, MatMulIntegerToFloat: 2 });
    assert.equal(readOnnx(int8).opsets.get('com.microsoft'), 1);
    assert.ok(error < 0.03, `the outputs differ by ${error}`);
  });

  it('behind a normalisation that is folded, and before one that is not', async (t) => {
    const channels = ['scale', 'shift', 'mean'].map((name) => floats(name, [16]));
    const variance = { name: 'variance', dims: [16], raw: new Uint8Array(new Float32Array(16).fill(2).buffer) };
    const nodes = [
      ...added.slice(0, 2),
      node('BatchNormalization', ['s', 'scale', 'shift', 'mean', 'variance'], 'n'),
      node('Relu', ['n'], 'r'),
      ...added.slice(3),
    ];
    const float = buildOnnx(modelOf(['batch', 24], nodes, [...weights, ...channels, variance]));
    const { kernels, error } = await quantised(t, float, [2, 24]);
    assert.equal(kernels.QGemm, 2);
    assert.ok(error < 0.03, `the outputs differ by ${error}`);
  });
});

describe('what a kernel in floats has made', () => {
  it('is read as it is by all that compute in floats, and handed out so', async (t) => {
    const weights = [floats('w', [24, 32]), floats('b', [32]), floats('v', [32, 24]), floats('c', [24])];
    const nodes = [
      node('Sin', ['x'], 'e'),
      node('MatMul', ['e', 'w'], 'p'),
      node('Add', ['p', 'b'], 's'),
      node('Relu', ['s'], 'r'),
      node('MatMul', ['r', 'v'], 'q'),
      node('Add', ['q', 'c'], 'a'),
      node('Add', ['a', 'e'], 'y'),
    ];
    const float = buildOnnx(modelOf(['batch', 'tokens', 24], nodes, weights, { outputs: ['e', 'y'] }));
    const { int8, kernels, feeds } = await quantised(t, float, [2, 3, 24]);
    assert.deepEqual(kernels, { Sin: 1, QuantizeLinear: 2, MatMulIntegerToFloat: 2, Add: 1 });
    const [before, after] = await Promise.all([float, int8].map((onnx) => outputsOf(onnx, feeds)));
    assert.deepEqual(after?.e?.data, before?.e?.data);
  });

  it('what a kernel on integers has made is rounded for everybody', async (t) => {
    const nodes = [
      node('Conv', ['x', 'w'], 'c'),
      node('Sin', ['c'], 's'),
      node('Conv', ['c', 'v'], 'd'),
      node('Add', ['s', 'd'], 'y'),
    ];
    const weights = [floats('w', [4, 3, 1, 1]), floats('v', [4, 4, 1, 1])];
    const float = buildOnnx(modelOf(['batch', 3, 8, 8], nodes, weights, { outputs: ['y', 'c'] }));
    const { kernels } = await quantised(t, float, [2, 3, 8, 8]);
    assert.equal(kernels.QLinearConv, 2);
  });
});

describe('a bias that is added to a convolution', () => {
  it('is part of it', async (t) => {
    const nodes = [
      node('Conv', ['x', 'w'], 'c'),
      node('Add', ['c', 'b'], 's'),
      node('Relu', ['s'], 'r'),
      node('Conv', ['r', 'v'], 'y'),
    ];
    const weights = [floats('w', [6, 3, 3, 3]), floats('b', [6, 1, 1]), floats('v', [4, 6, 1, 1])];
    const { kernels, error } = await quantised(t, buildOnnx(modelOf(['batch', 3, 8, 8], nodes, weights)), [2, 3, 8, 8]);
    assert.deepEqual([kernels.QLinearConv, kernels.Add], [2, undefined]);
    assert.ok(error < 0.03, `the outputs differ by ${error}`);
  });
});

describe('embeddings', () => {
  const ids = (count: number) => [
    {
      x: new Tensor(
        'int64',
        BigInt64Array.from({ length: count }, (_, i) => BigInt(i * 7)),
        [1, count],
      ),
    },
  ];
  const table = floats('table', [512, 32]);
  // A column of another size than the others has a scale of its own.
  const values = new Float32Array((table.raw as Uint8Array).buffer);
  for (let at = 0; at < values.length; at += 32) values[at] = (values[at] as number) * 1000;

  it('are looked up as integers in a file a quarter as large', async () => {
    for (const opset of [12, 13, 17]) {
      const float = buildOnnx({
        ...modelOf([1, 'tokens'], [node('Gather', ['table', 'x'], 'y')], [table], { opset }),
        inputs: [{ name: 'x', shape: [1, 'tokens'], dataType: 7 }],
      });
      const int8 = await quantiseOnnx(float, ids(4));
      assert.ok(int8.length < 0.28 * float.length, `${int8.length} of ${float.length} bytes`);
      const feeds = ids(60)[0] as Feeds;
      const [before, after] = (await Promise.all([valuesOf(float, feeds), valuesOf(int8, feeds)])) as Float32Array[];
      assert.equal(after?.length, 60 * 32);
      for (const [at, value] of (before ?? []).entries())
        assert.ok(Math.abs(Number(value) - Number(after?.[at])) <= (at % 32 === 0 ? 1000 : 1) / 254);
    }
  });

  it('whose rows are multiplied next are integers on both sides', async (t) => {
    const nodes = [node('Gather', ['table', 'x'], 'e'), node('MatMul', ['e', 'w'], 'y')];
    const float = buildOnnx({
      ...modelOf([1, 'tokens'], nodes, [floats('table', [512, 32]), floats('w', [32, 8])]),
      inputs: [{ name: 'x', shape: [1, 'tokens'], dataType: 7 }],
    });
    const int8 = await quantiseOnnx(float, ids(4));
    assert.equal((await kernelsOf(t, int8)).MatMulIntegerToFloat, 1);
    assert.ok((await relativeError(float, int8, ids(60)[0] as Feeds)) < 0.03);
  });
});

/** Boxes in pixels beside scores, as a detector hands them out. */
const detector = (...last: NodeSpec[]) =>
  modelOf(
    [1, 3, 16, 16],
    [
      node('Conv', ['x', 'w'], 'c'),
      node('Relu', ['c'], 'r'),
      node('Conv', ['r', 'boxes'], 'box'),
      node('Conv', ['r', 'classes'], 'logits'),
      node('Sigmoid', ['logits'], 'scores'),
      ...last,
    ],
    [
      floats('w', [8, 3, 3, 3]),
      floats('boxes', [4, 8, 1, 1], 400),
      floats('classes', [4, 8, 1, 1]),
      floats('v', [4, 8, 1, 1]),
      floats('both', [8, 8, 1, 1], 400),
    ],
    { opset: 13 },
  );

/** How many different results there are from a place on. */
async function distinct(onnx: Uint8Array, feeds: Feeds, from: number): Promise<number> {
  return new Set((await valuesOf(onnx, feeds)).subarray(from)).size;
}

describe('scores beside boxes', () => {
  it('keep their resolution where both are handed out', async (t) => {
    const float = buildOnnx(detector(node('Concat', ['box', 'scores'], 'y', { int: { axis: 1 } })));
    const { int8, feeds, kernels } = await quantised(t, float, [1, 3, 16, 16]);
    assert.equal(kernels.QLinearConv, 3);
    const [left, all] = await Promise.all([int8, float].map((onnx) => distinct(onnx, feeds, 4 * 14 * 14)));
    assert.ok(Number(left) > 100, `${left} of ${all} different scores are left`);
  });

  it('and where a convolution reads both: that one computes in float', async (t) => {
    const concat = node('Concat', ['box', 'scores'], 'k', { int: { axis: 1 } });
    const float = buildOnnx(detector(concat, node('Conv', ['k', 'v'], 'y')));
    const { kernels, error } = await quantised(t, float, [1, 3, 16, 16]);
    assert.deepEqual([kernels.QLinearConv, kernels.Conv, kernels.QLinearConcat], [3, 1, undefined]);
    assert.ok(error < 0.06, `the outputs differ by ${error}`);
  });

  it('and where one convolution makes both', async (t) => {
    const both = floats('both', [8, 8, 1, 1], 400);
    const values = new Float32Array((both.raw as Uint8Array).buffer);
    for (let at = 32; at < 64; at++) values[at] = (values[at] as number) / 800;
    const spec = modelOf(
      [1, 3, 16, 16],
      [node('Conv', ['x', 'w'], 'c'), node('Relu', ['c'], 'r'), node('Conv', ['r', 'both'], 'y')],
      [floats('w', [8, 3, 3, 3]), both],
    );
    const { int8, feeds, kernels } = await quantised(t, buildOnnx(spec), [1, 3, 16, 16]);
    assert.deepEqual([kernels.QLinearConv, kernels.Conv ?? kernels.FusedConv], [1, 1]);
    const left = await distinct(int8, feeds, 4 * 14 * 14);
    assert.ok(Number(left) > 100, `${left} different scores are left`);
  });

  it('a model that consists of nothing else is refused', async () => {
    const pads = {
      name: 'pads',
      dims: [8],
      dataType: 7,
      raw: new Uint8Array(BigInt64Array.of(0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n).buffer),
    };
    const fill = { name: 'fill', dims: [], raw: new Uint8Array(Float32Array.of(-1e9).buffer) };
    const nodes = [node('Pad', ['x', 'pads', 'fill'], 'p'), node('Conv', ['p', 'w'], 'y')];
    const float = buildOnnx(modelOf([1, 3, 8, 8], nodes, [floats('w', [8, 3, 3, 3]), pads, fill]));
    await assert.rejects(
      quantiseOnnx(float, batches('x', [1, 3, 8, 8])),
      (error) =>
        error instanceof QuantiseError && /values of unlike ranges stand beside one another/.test(error.message),
    );
  });
});

describe('the shared cases', () => {
  const CASES: [file: string, dims: number[], kernels: Record<string, number>][] = [
    ['dense_gemm_op13.onnx', [8, 160], { QuantizeLinear: 1, QGemm: 1 }],
    ['dense_matmul_add_op13.onnx', [8, 160], { QuantizeLinear: 1, QGemm: 1 }],
    ['dense_matmul_add_relu_op12.onnx', [8, 128], { QuantizeLinear: 1, QGemm: 2 }],
  ];
  for (const [file, dims, expected] of CASES)
    it(`${file} is integer kernels from end to end`, async (t) => {
      const path = sharedCase(`models/${file}`);
      if (!path) return t.skip('the shared cases are absent');
      const { kernels, error } = await quantised(t, new Uint8Array(readFileSync(path)), dims);
      assert.deepEqual(kernels, expected);
      assert.ok(error < 0.03, `the outputs differ by ${error}`);
    });

  it('yolo_conv.onnx keeps the resolution of its scores', async (t) => {
    const path = sharedCase('models/yolo_conv.onnx');
    if (!path) return t.skip('the shared cases are absent');
    const float = new Uint8Array(readFileSync(path));
    const { int8, feeds } = await quantised(t, float, [1, 3, 32, 32]);
    const [left, all] = await Promise.all([int8, float].map((onnx) => distinct(onnx, feeds, 4 * 16 * 16)));
    assert.ok(Number(left) > 100, `${left} of ${all} different scores are left`);
  });
});
