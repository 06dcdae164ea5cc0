/** Scales and zero points against ONNX Runtime's own QuantizeLinear and DequantizeLinear, and against values worked out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  activationParameters,
  quantiseBias,
  quantiseWeights,
  reachOf,
  tableScales,
  weightScale,
} from '../../../coordinator/export/quantisation-parameters.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';

test('activation parameters are those of quantize_static', () => {
  // rmin = -1, rmax = 3: scale = 4 / 255, zero point = round(0 + 1 / scale) = round(63.75).
  assert.deepEqual(activationParameters({ min: -1, max: 3 }), { scale: Math.fround(4 / 255), zeroPoint: 64 });
  // A range that does not hold zero is widened to it.
  assert.deepEqual(activationParameters({ min: 2, max: 5.1 }), { scale: Math.fround(5.1 / 255), zeroPoint: 0 });
  assert.deepEqual(activationParameters({ min: -5.1, max: -2 }), { scale: Math.fround(5.1 / 255), zeroPoint: 255 });
  assert.deepEqual(activationParameters({ min: 0, max: 0 }), { scale: 1, zeroPoint: 0 });
});

test('weights are rounded per channel, halves to the even integer', () => {
  const values = [6.4, -3.2, 0.05, 0.15, 0, 0];
  const scales = Float32Array.of(0.1, 0.1, 1);
  assert.deepEqual([...quantiseWeights(values, [3, 2], 0, scales)], [64, -32, 0, 1, 0, 0]);
  assert.deepEqual([...quantiseWeights([0.25, 0.75, 1.25, 99], [4], null, Float32Array.of(0.5))], [0, 2, 2, 127]);
});

test('a channel reaches as far as its largest weight, and as two of one sign together', () => {
  assert.deepEqual(reachOf([6, -3, 1, 2, 0, 0], [3, 2], 0), [
    { single: 6, pair: 6 },
    { single: 2, pair: 3 },
    { single: 0, pair: 0 },
  ]);
  assert.deepEqual(reachOf([1, 2, 3, -4], [2, 2], 1), [
    { single: 3, pair: 4 },
    { single: 4, pair: 4 },
  ]);
  assert.deepEqual(reachOf([-5, 1, -4, 2, -6], [5], null), [{ single: 6, pair: 11 }]);
});

test('no two products of an activation and a weight exceed 16 bits, whichever of a channel meet', () => {
  const weight = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 30 }), (values) => {
      const [reach] = reachOf(values, [values.length], null) as [{ single: number; pair: number }];
      const scales = Float32Array.of(weightScale(reach, 0, 1));
      const integers = quantiseWeights(values, [values.length], null, scales);
      const sorted = [...integers].sort((a, b) => a - b);
      const [low, second = 0] = sorted;
      const [high, next = 0] = sorted.toReversed();
      assert.ok(255 * ((high as number) + Math.max(0, next)) < 2 ** 15, `${sorted}`);
      assert.ok(255 * ((low as number) + Math.min(0, second)) >= -(2 ** 15), `${sorted}`);
      // And no bit is wasted: the largest weight or the largest two are at the end.
      const most = Math.max(Math.abs(high as number), Math.abs(low as number));
      const two = Math.max((high as number) + Math.max(0, next), -(low as number) - Math.min(0, second));
      assert.ok(most === 0 || most === 127 || two >= 127, `${sorted}`);
    }),
  );
});

test('a table of which rows are looked up uses all of the integers, column by column', () => {
  assert.deepEqual([...tableScales([127, 1, -254, 2, 0, -4], [3, 2])], [2, Math.fround(4 / 127)]);
  assert.deepEqual([...tableScales([0, 0], [2, 1])], [1]);
});

test('a dead channel with a bias gets a scale in which the bias fits into 32 bits', () => {
  assert.equal(weightScale({ single: 0, pair: 0 }, 0, 0.01), 1);
  const scale = weightScale({ single: 1e-12, pair: 1e-12 }, 3, 0.01);
  const steps = quantiseBias(3, scale * 0.01);
  assert.ok(steps < 2 ** 31 && Math.abs(steps * scale * 0.01 - 3) < 1e-3, `${steps} steps of ${scale * 0.01}`);
});

test('biases keep to 32 bits, and scales are no smaller than a float32 can tell', () => {
  assert.equal(quantiseBias(1e12, 1), 2_147_483_647);
  assert.equal(quantiseBias(-1e12, 1), -2_147_483_647);
  assert.deepEqual([quantiseBias(2.5, 1), quantiseBias(3.5, 1), quantiseBias(-2.5, 1)], [2, 4, -2]);
  // 2^-126 is the smallest normal float32: below it there is no scale.
  const smallest = 255 * 2 ** -126;
  assert.deepEqual(activationParameters({ min: 0, max: smallest }), { scale: 2 ** -126, zeroPoint: 0 });
  assert.deepEqual(activationParameters({ min: 0, max: smallest / 2 }), { scale: 1, zeroPoint: 0 });
  const alone = (magnitude: number) => ({ single: magnitude, pair: magnitude });
  assert.equal(weightScale(alone(127 * 2 ** -126), 0, 1), 2 ** -126);
  assert.equal(weightScale(alone(64 * 2 ** -126), 0, 1), 1);
  assert.equal(weightScale(alone(254), 0, 1), 2);
});

test('what is rounded comes back within half a step', async () => {
  const session = await InferenceSession.create(
    buildOnnx({
      inputs: [
        { name: 'x', shape: ['n'] },
        { name: 'scale', shape: [] },
        { name: 'zero', shape: [], dataType: 2 },
      ],
      outputs: ['y'],
      nodes: [
        { opType: 'QuantizeLinear', inputs: ['x', 'scale', 'zero'], outputs: ['q'] },
        { opType: 'DequantizeLinear', inputs: ['q', 'scale', 'zero'], outputs: ['y'] },
      ],
    }),
  );
  const value = fc.float({ min: -1000, max: 1000, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 40 }), async (values) => {
      const { scale, zeroPoint } = activationParameters({ min: Math.min(...values), max: Math.max(...values) });
      const feeds = {
        x: new Tensor('float32', Float32Array.from(values), [values.length]),
        scale: new Tensor('float32', [scale], []),
        zero: new Tensor('uint8', [zeroPoint], []),
      };
      const reals = (await session.run(feeds)).y?.data as Float32Array;
      const step = Math.max(...values.map((each, i) => Math.abs(each - (reals[i] as number)))) / scale;
      // The zero point is rounded too, so the ends of the range may lie half a step outside.
      assert.ok(step <= 1.001, `off by ${step} steps`);
      const inside = values.filter((each) => each > scale * (1 - zeroPoint) && each < scale * (254 - zeroPoint));
      for (const each of inside)
        assert.ok(Math.abs(each - (reals[values.indexOf(each)] as number)) <= 0.5001 * scale, `${each} by ${scale}`);
    }),
    { numRuns: 200 },
  );
  await session.release();
});

test('a weight comes back within half a step of its channel', () => {
  const weights = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(weights, fc.constantFrom(0, 1, null), (values, axis) => {
      const scales = Float32Array.from(reachOf(values, [3, 4], axis), (reach) => weightScale(reach, 0, 1));
      const integers = quantiseWeights(values, [3, 4], axis, scales);
      for (const [at, each] of values.entries()) {
        const scale = scales[axis === null ? 0 : axis === 0 ? Math.floor(at / 4) : at % 4] as number;
        assert.ok(Math.abs((integers[at] as number) * scale - each) <= 0.5001 * scale + 1e-30);
      }
    }),
  );
});
