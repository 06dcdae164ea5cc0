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
 * Weights keep to ±64, as with ONNX Runtime's `reduce_range`: x86 processors without VNNI add two products of an
 * activation and a weight in 16 bits, which 255 × 64 × 2 = 32640 just fits. So a model's outputs, and with them its
 * accuracy, are the same on every board (https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html,
 * "When to use reduce-range").
 */
const WEIGHT_MAX = 64;

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
export function weightScale(largestMagnitude: number, bias: number, biasUnit: number): number {
  const scale = Math.fround(Math.max(largestMagnitude / WEIGHT_MAX, (1.001 * Math.abs(bias)) / (biasUnit * INT32_MAX)));
  return scale < SMALLEST_SCALE ? 1 : scale;
}

/** Largest magnitude of each channel along `axis`; null: of all values together, as one channel. */
export function largestMagnitudes(
  values: readonly number[],
  dims: readonly number[],
  axis: number | null,
): Float32Array {
  const { channels, inner } = layout(values.length, dims, axis);
  const magnitudes = new Float32Array(channels);
  for (let at = 0; at < values.length; at++) {
    const channel = Math.floor(at / inner) % channels;
    const magnitude = Math.abs(values[at] as number);
    if (magnitude > (magnitudes[channel] as number)) magnitudes[channel] = magnitude;
  }
  return magnitudes;
}

/** @param scales one for each channel along `axis`, or one for all where that is null */
export function quantiseWeights(
  values: readonly number[],
  dims: readonly number[],
  axis: number | null,
  scales: Float32Array,
): Int8Array {
  const { channels, inner } = layout(values.length, dims, axis);
  const integers = new Int8Array(values.length);
  for (let at = 0; at < values.length; at++) {
    const scale = scales[Math.floor(at / inner) % channels] as number;
    integers[at] = clamp(roundHalfToEven((values[at] as number) / scale), -WEIGHT_MAX, WEIGHT_MAX);
  }
  return integers;
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
