/**
 * Gaussian-process regression with a linear and a squared-exponential part (Rasmussen & Williams, "Gaussian Processes
 * for Machine Learning", 2006, algorithm 2.1). Made for few points: up to some hundreds.
 */

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
  const matrix = points.map((a, i) =>
    Float64Array.from(points, (b, j) => covariance(kernel, a, b) + (i === j ? kernel.noise ** 2 : 0)),
  );
  const factor = cholesky(matrix);
  const weights = solveUpper(factor, solveLower(factor, Float64Array.from(values)));
  const fit = values.reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
  const logDeterminant = factor.reduce((sum, row, i) => sum + Math.log(row[i] as number), 0);

  function leaveOutResiduals(groups: readonly string[]): number[] {
    const inverse = points.map((_, column) => {
      const unit = new Float64Array(size);
      unit[column] = 1;
      return solveUpper(factor, solveLower(factor, unit));
    });
    return [...new Set(groups)].flatMap((group) => {
      const members = groups.flatMap((name, index) => (name === group ? [index] : []));
      const block = cholesky(members.map((i) => Float64Array.from(members, (j) => inverse[i]?.[j] as number)));
      const solve = (right: Float64Array) => solveUpper(block, solveLower(block, right));
      const residuals = solve(Float64Array.from(members, (i) => weights[i] as number));
      return members.map((_, at) => {
        const unit = new Float64Array(members.length);
        unit[at] = 1;
        return (residuals[at] as number) / Math.sqrt(solve(unit)[at] as number);
      });
    });
  }

  return {
    logEvidence: -fit / 2 - logDeterminant - (size / 2) * Math.log(2 * Math.PI),
    predict: (point) => {
      const cross = Float64Array.from(points, (known) => covariance(kernel, point, known));
      const mean = cross.reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
      const explained = solveLower(factor, cross).reduce((sum, value) => sum + value * value, 0);
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

/** Lower factor of a symmetric positive definite matrix. */
function cholesky(matrix: readonly Float64Array[]): Float64Array[] {
  const factor = matrix.map(() => new Float64Array(matrix.length));
  for (let i = 0; i < matrix.length; i += 1) {
    const row = factor[i] as Float64Array;
    for (let j = 0; j <= i; j += 1) {
      const other = factor[j] as Float64Array;
      let sum = matrix[i]?.[j] as number;
      for (let k = 0; k < j; k += 1) sum -= (row[k] as number) * (other[k] as number);
      if (i === j && !(sum > 0)) throw new RangeError('the kernel matrix is not positive definite');
      row[j] = i === j ? Math.sqrt(sum) : sum / (other[j] as number);
    }
  }
  return factor;
}

function solveLower(factor: readonly Float64Array[], right: Float64Array): Float64Array {
  const solution = Float64Array.from(right);
  for (let i = 0; i < factor.length; i += 1) {
    const row = factor[i] as Float64Array;
    let sum = solution[i] as number;
    for (let k = 0; k < i; k += 1) sum -= (row[k] as number) * (solution[k] as number);
    solution[i] = sum / (row[i] as number);
  }
  return solution;
}

function solveUpper(factor: readonly Float64Array[], right: Float64Array): Float64Array {
  const solution = Float64Array.from(right);
  for (let i = factor.length - 1; i >= 0; i -= 1) {
    let sum = solution[i] as number;
    for (let k = i + 1; k < factor.length; k += 1) sum -= (factor[k]?.[i] as number) * (solution[k] as number);
    solution[i] = sum / (factor[i]?.[i] as number);
  }
  return solution;
}
