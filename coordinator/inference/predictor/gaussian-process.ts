/**
 * Gaussian-process regression with a linear and a squared-exponential part (Rasmussen & Williams, "Gaussian Processes
 * for Machine Learning", 2006, algorithm 2.1). Made for few points: up to some hundreds.
 */

import { dot, factorise, forward, invert, solve } from '@edgetune/shared/math/linear-algebra.ts';

export interface Kernel {
  /** Standard deviation of the constant. */
  constant: number;
  /** Standard deviation of the slope along each coordinate. */
  slopes: readonly number[];
  /** Standard deviation of what is not linear, and how far it reaches along each coordinate. */
  amplitude: number;
  lengths: readonly number[];
  /** Standard deviation of the noise. */
  noise: number;
}

export interface Posterior {
  mean: number;
  /** Standard deviation of a new observation, noise included. */
  deviation: number;
}

export interface GaussianProcess {
  logEvidence: number;
  predict(point: readonly number[]): Posterior;
  /** Standardised residuals of each group when it is left out (closed form, after R&W 5.12, by blocks). */
  leaveOutResiduals(groups: readonly string[]): number[];
}

/** @throws {RangeError} where the kernel matrix is not positive definite (noise of zero on equal points) */
export function fitGaussianProcess(
  points: readonly (readonly number[])[],
  values: readonly number[],
  kernel: Kernel,
): GaussianProcess {
  const size = points.length;
  const factor = new Float64Array(size * size);
  for (const [i, a] of points.entries()) {
    for (let j = 0; j < i; j += 1) factor[i * size + j] = covariance(kernel, a, points[j] as readonly number[]);
    factor[i * size + i] = covariance(kernel, a, a) + kernel.noise ** 2;
  }
  factorise(factor, size);
  const targets = Float64Array.from(values);
  const weights = solve(factor, size, targets);
  let logDeterminant = 0;
  for (let i = 0; i < size; i += 1) logDeterminant += Math.log(factor[i * size + i] as number);

  function leaveOutResiduals(groups: readonly string[]): number[] {
    const inverse = new Float64Array(size * size);
    invert(factor, size, new Float64Array(size * size), inverse);
    return [...new Set(groups)].flatMap((group) => {
      const members = groups.flatMap((name, index) => (name === group ? [index] : []));
      const count = members.length;
      const block = new Float64Array(count * count);
      for (const [at, i] of members.entries())
        for (const [to, j] of members.slice(0, at + 1).entries())
          block[at * count + to] = inverse[i * size + j] as number;
      const covariances = new Float64Array(count * count);
      const blockFactor = factorise(block, count);
      invert(blockFactor, count, new Float64Array(count * count), covariances);
      const residuals = solve(
        block,
        count,
        Float64Array.from(members, (i) => weights[i] as number),
      );
      return members.map((_, at) => (residuals[at] as number) / Math.sqrt(covariances[at * count + at] as number));
    });
  }

  return {
    logEvidence: -dot(weights, 0, targets, 0, size) / 2 - logDeterminant - (size / 2) * Math.log(2 * Math.PI),
    predict: (point) => {
      const cross = Float64Array.from(points, (known) => covariance(kernel, point, known));
      const mean = dot(cross, 0, weights, 0, size);
      forward(factor, size, cross, 0, size);
      const explained = dot(cross, 0, cross, 0, size);
      const variance = covariance(kernel, point, point) + kernel.noise ** 2 - explained;
      return { mean, deviation: Math.sqrt(Math.max(variance, kernel.noise ** 2)) };
    },
    leaveOutResiduals,
  };
}

function covariance(kernel: Kernel, a: readonly number[], b: readonly number[]): number {
  let linear = kernel.constant ** 2;
  let distance = 0;
  for (let i = 0; i < a.length; i += 1) {
    const [x, y] = [a[i] as number, b[i] as number];
    linear += (kernel.slopes[i] as number) ** 2 * x * y;
    distance += ((x - y) / (kernel.lengths[i] as number)) ** 2;
  }
  return linear + kernel.amplitude ** 2 * Math.exp(-distance / 2);
}
