/**
 * Scales and zero points of 8-bit integers: real ≈ scale × (integer − zero point). The formulae are those of ONNX
 * Runtime's `quantize_static` (compute_scale_zp and quantize_nparray in onnxruntime/python/tools/quantization/
 * quant_utils.py, after Jacob et al., 2018, https://arxiv.org/abs/1712.05877, section 3).
 */

/** Smallest and largest value that was seen. */
export interface ValueRange {
  min: number;
  max: number;
}

export interface Affine {
  scale: number;
  zeroPoint: number;
}

const UINT8_MAX = 255;
const INT32_MAX = 2 ** 31 - 1;

/**
 * x86 processors without VNNI add two products of an activation (at most 255) and a weight in 16 bits, and saturate without a
 * word. Two weights of one sign that are at most 128 together just fit (255 × 128 = 32,640); which two meet is the kernel's
 * business, so it holds for the largest two of a channel. Then a model's outputs, and with them its accuracy, are the same on
 * every board (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html, "When to use reduce-range").
 * A little less, so that rounding both up does not exceed it.
 */
const PAIR_MAX = 127.99;
const INT8_MAX = 127;

/** Scales below the smallest normal float32 are no scales: such a range is taken as a constant zero. */
const SMALLEST_SCALE = 2 ** -126;

/** Activations as unsigned 8-bit integers; the range is widened to hold zero, which padding needs to be exact. */
export function activationParameters({ min, max }: ValueRange): Affine {
  const [low, high] = [Math.min(min, 0), Math.max(max, 0)];
  const scale = Math.fround((high - low) / UINT8_MAX);
  if (scale < SMALLEST_SCALE) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: roundHalfToEven((0 - low) / scale) };
}

/**
 * The scale of one channel of weights, whose zero point is 0. It is widened where the channel's bias, in steps of
 * `biasUnit` × scale, would not fit into 32 bits.
 */
export function weightScale({ single, pair }: Reach, bias: number, biasUnit: number): number {
  const ofWeights = Math.max(single / INT8_MAX, pair / PAIR_MAX);
  const scale = Math.fround(Math.max(ofWeights, (1.001 * Math.abs(bias)) / (biasUnit * INT32_MAX)));
  return scale < SMALLEST_SCALE ? 1 : scale;
}

/** How far the weights of a channel reach: the largest magnitude, and that of two of one sign together. */
export interface Reach {
  single: number;
  pair: number;
}

/** Of each channel along `axis`; null: of all values together, as one channel. */
export function reachOf(values: readonly number[], dims: readonly number[], axis: number | null): Reach[] {
  const { channels } = layout(values.length, dims, axis);
  // The largest and the second largest positive value, then the same of the negative ones.
  const largest = new Float64Array(4 * channels);
  forEachWeight(values.length, dims, axis, (at, channel) => {
    const value = values[at] as number;
    const magnitude = Math.abs(value);
    const first = 4 * channel + (value < 0 ? 2 : 0);
    if (magnitude > (largest[first] as number)) {
      largest[first + 1] = largest[first] as number;
      largest[first] = magnitude;
    } else if (magnitude > (largest[first + 1] as number)) largest[first + 1] = magnitude;
  });
  return Array.from({ length: channels }, (_, channel) => {
    const [a = 0, b = 0, c = 0, d = 0] = largest.subarray(4 * channel);
    return { single: Math.max(a, c), pair: Math.max(a + b, c + d) };
  });
}

/** @param scales one for each channel along `axis`, or one for all where that is null */
export function quantiseWeights(
  values: readonly number[],
  dims: readonly number[],
  axis: number | null,
  scales: Float32Array,
): Int8Array {
  const integers = new Int8Array(values.length);
  forEachWeight(values.length, dims, axis, (at, channel) => {
    const steps = (values[at] as number) / (scales[channel] as number);
    integers[at] = clamp(roundHalfToEven(steps), -INT8_MAX, INT8_MAX);
  });
  return integers;
}

/** Scales of a table whose rows are only looked up, one for each index along its last axis: nothing is added to them. */
export function tableScales(values: readonly number[], dims: readonly number[]): Float32Array {
  return Float32Array.from(reachOf(values, dims, dims.length - 1), ({ single }) => {
    const scale = Math.fround(single / INT8_MAX);
    return scale < SMALLEST_SCALE ? 1 : scale;
  });
}

/** Calls back with the place and the channel of each weight, in their order. */
export function forEachWeight(
  count: number,
  dims: readonly number[],
  axis: number | null,
  visit: (at: number, channel: number) => void,
): void {
  const { channels, inner } = layout(count, dims, axis);
  for (let at = 0; at < count; )
    for (let channel = 0; channel < channels; channel++)
      for (const end = at + inner; at < end; at++) visit(at, channel);
}

/** How many channels there are, and how many values of one channel lie side by side. */
function layout(count: number, dims: readonly number[], axis: number | null): { channels: number; inner: number } {
  if (axis === null) return { channels: 1, inner: Math.max(1, count) };
  return { channels: dims[axis] as number, inner: dims.slice(axis + 1).reduce((product, size) => product * size, 1) };
}

/** Biases are 32-bit integers at the scale of the products to which they are added, with zero point 0. */
export function quantiseBias(value: number, scale: number): number {
  return clamp(roundHalfToEven(value / scale), -INT32_MAX, INT32_MAX);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Ties go to the even integer, as in IEEE 754 and in NumPy. */
function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
