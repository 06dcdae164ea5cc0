/**
 * A Gaussian process: Matérn 5/2 over scaled differences, constant signal, noise; its scales are those of the largest
 * posterior density (Rasmussen and Williams, 2006, chapters 2 and 5). The prior of the scales grows with the number of
 * dimensions (Hvarfner, Hellsten, Nardi, ICML 2024).
 */
import type { SpacePoint } from '../space.ts';

/** Squared difference of one coordinate: of choices and activity 0 or 1. */
export type SquaredDifference = (a: number, b: number, at: number) => number;

const STEPS = 25;
const LOG_NOISE: [least: number, prior: number, most: number] = [Math.log(1e-6), Math.log(1e-4), Math.log(0.3)];
const LOG_SCALE: [least: number, most: number] = [Math.log(0.02), Math.log(30)];
const ROOT_FIVE = Math.sqrt(5);

/** Lengths and noise of a process, as `fitScales` finds them. */
export interface Scales {
  /** Logarithms of the length of each dimension. */
  lengths: number[];
  /** Logarithm of noise ÷ signal variance. */
  noise: number;
}

export class GaussianProcess {
  readonly #points: readonly SpacePoint[];
  readonly #difference: SquaredDifference;
  /** 1 ÷ length². */
  readonly #inverse: Float64Array;
  readonly #cholesky: Float64Array;
  readonly #alpha: Float64Array;
  readonly #signal: number;

  /** @param values of mean 0 and variance about 1, one per point */
  constructor(points: readonly SpacePoint[], values: readonly number[], difference: SquaredDifference, scales: Scales) {
    this.#points = points;
    this.#difference = difference;
    this.#inverse = Float64Array.from(scales.lengths, (log) => Math.exp(-2 * log));
    const n = points.length;
    const covariance = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++)
        covariance[i * n + j] = matern(this.#distance(points[i] as SpacePoint, points[j] as SpacePoint));
    this.#cholesky = factorised(covariance, n, Math.exp(scales.noise));
    this.#alpha = solved(this.#cholesky, Float64Array.from(values), n);
    this.#signal = Math.max(1e-12, dot(this.#alpha, Float64Array.from(values)) / n);
  }

  #distance(a: SpacePoint, b: SpacePoint): number {
    let sum = 0;
    for (let at = 0; at < this.#inverse.length; at++)
      sum += this.#difference(a[at] as number, b[at] as number, at) * (this.#inverse[at] as number);
    return sum;
  }

  /** Mean and standard deviation of the function (without noise) at a point. */
  predict(point: SpacePoint): { mean: number; deviation: number } {
    const k = this.#covariances(point);
    return { mean: dot(k, this.#alpha), deviation: this.#deviation(k) };
  }

  /** The mean alone: far cheaper than the deviation. */
  mean(point: SpacePoint): number {
    return dot(this.#covariances(point), this.#alpha);
  }

  deviation(point: SpacePoint): number {
    return this.#deviation(this.#covariances(point));
  }

  #covariances(point: SpacePoint): Float64Array {
    const k = new Float64Array(this.#points.length);
    for (let i = 0; i < k.length; i++) k[i] = matern(this.#distance(point, this.#points[i] as SpacePoint));
    return k;
  }

  /** Uses up `k`. */
  #deviation(k: Float64Array): number {
    forward(this.#cholesky, k, k.length);
    return Math.sqrt(this.#signal * Math.max(1e-12, 1 - dot(k, k)));
  }
}

/** Matérn 5/2 of a squared scaled distance. */
function matern(squared: number): number {
  const r = ROOT_FIVE * Math.sqrt(squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Lower Cholesky factor of `matrix` (its lower half) plus `noise` on the diagonal, in place. */
function factorised(matrix: Float64Array, n: number, noise: number): Float64Array {
  for (let j = 0; j < n; j++) {
    let diagonal = (matrix[j * n + j] as number) + noise;
    for (let k = 0; k < j; k++) diagonal -= (matrix[j * n + k] as number) ** 2;
    // Points that coincide leave nothing of the diagonal but rounding errors.
    const root = Math.sqrt(Math.max(diagonal, 1e-10));
    matrix[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let value = matrix[i * n + j] as number;
      for (let k = 0; k < j; k++) value -= (matrix[i * n + k] as number) * (matrix[j * n + k] as number);
      matrix[i * n + j] = value / root;
    }
  }
  return matrix;
}

/** Solves L z = b in place. */
function forward(cholesky: Float64Array, b: Float64Array, n: number) {
  for (let i = 0; i < n; i++) {
    let value = b[i] as number;
    for (let k = 0; k < i; k++) value -= (cholesky[i * n + k] as number) * (b[k] as number);
    b[i] = value / (cholesky[i * n + i] as number);
  }
}

/** Solves L Lᵀ x = b. */
function solved(cholesky: Float64Array, b: Float64Array, n: number): Float64Array {
  forward(cholesky, b, n);
  for (let i = n - 1; i >= 0; i--) {
    let value = b[i] as number;
    for (let k = i + 1; k < n; k++) value -= (cholesky[k * n + i] as number) * (b[k] as number);
    b[i] = value / (cholesky[i * n + i] as number);
  }
  return b;
}

/**
 * The scales of the largest posterior density that is found from long and from short lengths (a wave hides from long
 * ones). The time grows with the third power of the number of points.
 */
export function fitScales(
  points: readonly SpacePoint[],
  values: readonly number[],
  difference: SquaredDifference,
): Scales {
  const dimensions = (points[0] as SpacePoint).length;
  const differences = pairwise(points, difference, dimensions);
  const prior = Math.log(0.5) + Math.log(Math.max(1, dimensions)) / 2;
  const [a, b] = [prior, Math.log(0.25)].map((start) => climbed(start, prior, differences, values)) as [
    Climbed,
    Climbed,
  ];
  return a.density >= b.density ? a.scales : b.scales;
}

interface Climbed {
  scales: Scales;
  density: number;
}

/** Climbs the log posterior of the scales by sign-adaptive steps (Rprop, Riedmiller and Braun 1993). */
function climbed(
  start: number,
  prior: number,
  differences: readonly Float64Array[],
  values: readonly number[],
): Climbed {
  const dimensions = differences.length;
  const scales: Scales = { lengths: new Array<number>(dimensions).fill(start), noise: LOG_NOISE[1] };
  let density = -Infinity;
  const steps = new Array<number>(dimensions + 1).fill(0.3);
  let before = new Array<number>(dimensions + 1).fill(0);
  for (let step = 0; step < STEPS; step++) {
    const { gradient, density: now } = slope(scales, differences, values, prior);
    density = now;
    for (const [at, value] of gradient.entries()) {
      const turn = value * (before[at] as number);
      steps[at] = Math.min(1, Math.max(0.01, (steps[at] as number) * (turn > 0 ? 1.2 : turn < 0 ? 0.5 : 1)));
      const move = Math.sign(value) * (steps[at] as number);
      if (at < dimensions)
        scales.lengths[at] = Math.min(LOG_SCALE[1], Math.max(LOG_SCALE[0], (scales.lengths[at] as number) + move));
      else scales.noise = Math.min(LOG_NOISE[2], Math.max(LOG_NOISE[0], scales.noise + move));
    }
    before = gradient;
  }
  return { scales, density };
}

/** Squared differences of each pair (i > j), dimension by dimension. */
function pairwise(points: readonly SpacePoint[], difference: SquaredDifference, dimensions: number): Float64Array[] {
  const n = points.length;
  return Array.from({ length: dimensions }, (_, at) => {
    const of = new Float64Array((n * (n - 1)) / 2);
    let pair = 0;
    for (let i = 1; i < n; i++)
      for (let j = 0; j < i; j++) of[pair++] = difference(points[i]?.[at] as number, points[j]?.[at] as number, at);
    return of;
  });
}

/**
 * The log posterior (up to a constant) and its gradient by the logarithms of lengths and noise. The signal variance is at its best value for
 * them: σ² = yᵀ R⁻¹ y ÷ n.
 */
function slope(
  scales: Scales,
  differences: readonly Float64Array[],
  values: readonly number[],
  prior: number,
): { gradient: number[]; density: number } {
  const n = values.length;
  const noise = Math.exp(scales.noise);
  const inverseSquares = scales.lengths.map((log) => Math.exp(-2 * log));
  const matrix = new Float64Array(n * n);
  // ∂k/∂ log ℓ = s · (5/3)(1 + r) e^−r, with s the dimension's share of the squared distance.
  const factors = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0, pair = 0; i < n; i++) {
    matrix[i * n + i] = 1;
    for (let j = 0; j < i; j++, pair++) {
      let squared = 0;
      for (let at = 0; at < differences.length; at++)
        squared += (differences[at]?.[pair] as number) * (inverseSquares[at] as number);
      const r = ROOT_FIVE * Math.sqrt(squared);
      const decay = Math.exp(-r);
      matrix[i * n + j] = (1 + r + (r * r) / 3) * decay;
      factors[pair] = (5 / 3) * (1 + r) * decay;
    }
  }
  const cholesky = factorised(matrix, n, noise);
  const alpha = solved(cholesky, Float64Array.from(values), n);
  const signal = Math.max(1e-12, dot(alpha, Float64Array.from(values)) / n);
  const inverse = inverted(cholesky, n);
  const gradient = differences.map(() => 0);
  let trace = 0;
  for (let i = 0, pair = 0; i < n; i++) {
    trace += ((alpha[i] as number) ** 2 / signal - (inverse[i * n + i] as number)) / 2;
    for (let j = 0; j < i; j++, pair++) {
      const weight =
        (((alpha[i] as number) * (alpha[j] as number)) / signal - (inverse[i * n + j] as number)) *
        (factors[pair] as number);
      for (let at = 0; at < gradient.length; at++)
        gradient[at] =
          (gradient[at] as number) + weight * (differences[at]?.[pair] as number) * (inverseSquares[at] as number);
    }
  }
  let density = (-n / 2) * Math.log(signal) - (scales.noise - LOG_NOISE[1]) ** 2 / 8;
  for (let i = 0; i < n; i++) density -= Math.log(cholesky[i * n + i] as number);
  for (const [at, log] of scales.lengths.entries()) {
    density -= (log - prior) ** 2 / 2;
    gradient[at] = (gradient[at] as number) - (log - prior);
  }
  return { gradient: [...gradient, trace * noise - (scales.noise - LOG_NOISE[1]) / 4], density };
}

/** Lower half of the inverse of L Lᵀ. */
function inverted(cholesky: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    lower[j * n + j] = 1 / (cholesky[j * n + j] as number);
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= (cholesky[i * n + k] as number) * (lower[k * n + j] as number);
      lower[i * n + j] = sum / (cholesky[i * n + i] as number);
    }
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += (lower[k * n + i] as number) * (lower[k * n + j] as number);
      inverse[i * n + j] = sum;
    }
  return inverse;
}
