/** Of several files that stand for a model the nearest is taken; the quantiser tries several roundings of the weights. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { nearest } from '../../../coordinator/export/best-rounding.ts';
import { reachOf, weightScale } from '../../../coordinator/export/quantisation-parameters.ts';
import { quantiseOnnx } from '../../../coordinator/export/quantise-onnx.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { batches, randoms } from './support/quantised.ts';

const floats = (name: string, dims: number[], values: Float32Array) => ({
  ...{ name, dims },
  raw: new Uint8Array(values.buffer),
});
/** Two outputs: the input times each of two factors. */
const scaled = (one: number, two: number) =>
  buildOnnx({
    inputs: [{ name: 'x', shape: ['n', 4] }],
    outputs: ['y', 'z'],
    initializers: [floats('a', [], Float32Array.of(one)), floats('b', [], Float32Array.of(two))],
    nodes: [
      { opType: 'Mul', inputs: ['x', 'a'], outputs: ['y'] },
      { opType: 'Mul', inputs: ['x', 'b'], outputs: ['z'] },
    ],
  });

test('the nearest is taken, of several outputs by the worst, and of equals the first', async () => {
  const [float, samples] = [scaled(2, 100), batches('x', [3, 4])];
  const chosen = (...files: Uint8Array[]) => nearest(float, files, samples);
  const [far, near, uneven] = [scaled(2.2, 110), scaled(2.1, 105), scaled(2, 120)];
  assert.equal(await chosen(far, near, uneven), near);
  assert.equal(await chosen(uneven, far), far, 'a small output counts as much as a large one');
  const same = scaled(2.1, 105);
  assert.equal(await chosen(same, near), same);
});

test('larger scales of the weights than the smallest are tried, and taken where they answer nearer', async () => {
  const widths: number[] = [];
  for (let seed = 1; seed <= 8; seed++) {
    const [w, v] = [randoms(24 * 16, seed), randoms(16 * 4, seed + 50)];
    const float = buildOnnx({
      inputs: [{ name: 'x', shape: ['n', 24] }],
      outputs: ['y'],
      initializers: [floats('w', [24, 16], w), floats('v', [16, 4], v)],
      nodes: [
        { opType: 'Gemm', inputs: ['x', 'w'], outputs: ['h'] },
        { opType: 'Gemm', inputs: ['h', 'v'], outputs: ['y'] },
      ],
    });
    const scale = readOnnx(await quantiseOnnx(float, batches('x', [8, 24])))
      .initializers.get('w_scale')
      ?.read()?.[0];
    const [reach] = reachOf([...w], [24, 16], 1);
    widths.push(Number(scale) / weightScale(reach as never, 0, 1));
  }
  const rounded = new Set(widths.map((width) => width.toFixed(2)));
  assert.ok(rounded.size > 1, `the scales are ${[...rounded]} times the smallest`);
  assert.ok(widths.every((width) => width > 0.999 && width < 1.41));
});
