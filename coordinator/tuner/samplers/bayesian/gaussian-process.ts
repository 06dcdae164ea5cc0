/**
 * A Gaussian process: Matérn 5/2 over scaled differences, constant signal, noise (Rasmussen and Williams, 2006,
 * chapters 2 and 4).
 */
import { dot, factorise, forward, solve } from '@edgetune/shared/math/linear-algebra.ts';
import type { SpacePoint } from '../../space.ts';

const ROOT_FIVE = Math.sqrt(5);

/** Points that coincide leave nothing of the diagonal but rounding errors. */
export const LEAST_PIVOT = 1e-10;

/** Lengths and noise of a process, as `fitScales` finds them. */
export interface Scales {
  /** Logarithms of the length of each dimension. */
  lengths: number[];
  /** Logarithm of noise ÷ signal variance. */
  noise: number;
}

/** Points one after the other in one array. */
export interface PointSet {
  readonly coordinates: Float64Array;
  readonly count: number;
  /** Per dimension: 1 where coordinates are choices, which differ by 1 or not at all. */
  readonly choices: Uint8Array;
}

export function pointSet(points: readonly SpacePoint[], choices: Uint8Array): PointSet {
  const coordinates = new Float64Array(points.length * choices.length);
  for (const [i, point] of points.entries()) coordinates.set(point, i * choices.length);
  return { coordinates, count: points.length, choices };
}

/** Squared difference of two coordinates: of choices, and where one is inactive (NaN), 0 or 1. */
export function squaredDifference(a: number, b: number, isChoice: number): number {
  const difference = a - b;
  if (isChoice === 0 && !Number.isNaN(difference)) return difference * difference;
  return a === b || (Number.isNaN(a) && Number.isNaN(b)) ? 0 : 1;
}

/** How many rows of a deviation are worked out before it is asked whether the rest is worth it. */
const ROWS_AT_ONCE = 24;

export class GaussianProcess {
  readonly #points: PointSet;
  /** 1 ÷ length². */
  readonly #inverse: Float64Array;
  readonly #cholesky: Float64Array;
  readonly #alpha: Float64Array;
  readonly #signal: number;
  readonly #covariances: Float64Array;
  readonly #solved: Float64Array;
  /** Squared distances of the last point from all, without their last coordinate: it is asked for more than once. */
  readonly #distances: Float64Array;
  #measured: SpacePoint | null = null;

  /** @param values of mean 0 and variance about 1, one per point */
  constructor(points: PointSet, values: Float64Array, scales: Scales) {
    this.#points = points;
    this.#inverse = Float64Array.from(scales.lengths, (log) => Math.exp(-2 * log));
    const n = points.count;
    const covariance = new Float64Array(n * n);
    const dimensions = this.#inverse.length;
    const noise = Math.exp(scales.noise);
    for (let i = 0; i < n; i++) {
      covariance[i * n + i] = 1 + noise;
      for (let j = 0; j < i; j++)
        covariance[i * n + j] = matern(this.#distance(points.coordinates, i * dimensions, j, dimensions));
    }
    this.#cholesky = factorise(covariance, n, LEAST_PIVOT);
    this.#alpha = solve(this.#cholesky, n, values);
    this.#signal = Math.max(1e-12, dot(this.#alpha, 0, values, 0, n) / n);
    this.#covariances = new Float64Array(n);
    this.#solved = new Float64Array(n);
    this.#distances = new Float64Array(n);
  }

  /** Squared scaled distance from the coordinates at `from` to point number `to`, over so many of the dimensions. */
  #distance(coordinates: ArrayLike<number>, from: number, to: number, dimensions: number): number {
    const { coordinates: others, choices } = this.#points;
    const inverse = this.#inverse;
    let sum = 0;
    for (let at = 0, other = to * inverse.length; at < dimensions; at++, other++)
      sum +=
        squaredDifference(coordinates[from + at] as number, others[other] as number, choices[at] as number) *
        (inverse[at] as number);
    return sum;
  }

  /** Standard deviation where nothing is known: no deviation is larger. */
  get largestDeviation(): number {
    return Math.sqrt(this.#signal);
  }

  /** Mean and standard deviation of the function (without noise) at a point, whose last coordinate may be given apart. */
  predict(point: SpacePoint, last?: number): { mean: number; deviation: number } {
    return { mean: this.mean(point, last), deviation: this.deviation(point, last, () => true) as number };
  }

  /** The mean alone: far cheaper than the deviation. */
  mean(point: SpacePoint, last?: number): number {
    this.#cover(point, last);
    return dot(this.#covariances, 0, this.#alpha, 0, this.#points.count);
  }

  /**
   * The standard deviation. While it is worked out, `isWorthwhile` is asked with what it is at most; null where that
   * was refused.
   */
  deviation(point: SpacePoint, last: number | undefined, isWorthwhile: (most: number) => boolean): number | null {
    this.#cover(point, last);
    const [k, z, n] = [this.#covariances, this.#solved, this.#points.count];
    z.set(k);
    let explained = 0;
    for (let from = 0; from < n; from += ROWS_AT_ONCE) {
      const to = Math.min(n, from + ROWS_AT_ONCE);
      forward(this.#cholesky, n, z, from, to);
      explained += dot(z, from, z, from, to - from);
      if (to < n && !isWorthwhile(this.#deviationLeft(explained))) return null;
    }
    return this.#deviationLeft(explained);
  }

  #deviationLeft(explained: number): number {
    return Math.sqrt(this.#signal * Math.max(1e-12, 1 - explained));
  }

  /** The covariances of a point with all. */
  #cover(point: SpacePoint, last: number | undefined) {
    const [k, distances] = [this.#covariances, this.#distances];
    const dimensions = this.#inverse.length;
    if (this.#measured !== point) {
      const counted = last === undefined ? dimensions : dimensions - 1;
      for (let i = 0; i < k.length; i++) distances[i] = this.#distance(point, 0, i, counted);
      this.#measured = point;
    }
    if (last === undefined) {
      for (let i = 0; i < k.length; i++) k[i] = matern(distances[i] as number);
      return;
    }
    const weight = this.#inverse[dimensions - 1] as number;
    const coordinates = this.#points.coordinates;
    for (let i = 0; i < k.length; i++)
      k[i] = matern(
        (distances[i] as number) + (last - (coordinates[(i + 1) * dimensions - 1] as number)) ** 2 * weight,
      );
  }
}

/** Matérn 5/2 of a squared scaled distance. */
function matern(squared: number): number {
  const r = ROOT_FIVE * Math.sqrt(squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}
