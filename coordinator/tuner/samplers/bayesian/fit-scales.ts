/**
 * The scales of a Gaussian process: those of the largest posterior density (Rasmussen and Williams, 2006, chapter 5).
 * The prior of the lengths grows with the number of dimensions (Hvarfner, Hellsten, Nardi, ICML 2024).
 */
import { dot, factorise, invert, solve } from '@edgetune/shared/math/linear-algebra.ts';
import { descend, type Slope } from './descend.ts';
import { LEAST_PIVOT, type PointSet, type Scales, squaredDifference } from './gaussian-process.ts';

/** How many times the density is worked out at most from each start, and once more for each dimension. */
const EVALUATIONS = 25;
const LOG_NOISE = { least: Math.log(1e-6), prior: Math.log(1e-4), most: Math.log(0.3) };
const LOG_SCALE = [Math.log(0.02), Math.log(30)] as const;
const ROOT_FIVE = Math.sqrt(5);

/**
 * Climbs from long and from short lengths (a wave hides from long ones) and takes the better end. The time grows with
 * the third power of the number of points.
 */
export function fitScales(points: PointSet, values: Float64Array): Scales {
  const dimensions = points.choices.length;
  const differences = pairwise(points);
  const prior = Math.log(0.5) + Math.log(Math.max(1, dimensions)) / 2;
  const slope = posterior(differences, values, prior);
  const bounds = [...differences.map(() => LOG_SCALE), [LOG_NOISE.least, LOG_NOISE.most] as const];
  const [a, b] = [prior, Math.log(0.25)].map((length) =>
    descend(slope, [...differences.map(() => length), LOG_NOISE.prior], bounds, EVALUATIONS),
  ) as [ReturnType<typeof descend>, ReturnType<typeof descend>];
  const { x } = a.value <= b.value ? a : b;
  return { lengths: x.slice(0, dimensions), noise: x[dimensions] as number };
}

/** Squared differences of each pair (i > j), dimension by dimension. */
function pairwise({ coordinates, count, choices }: PointSet): Float64Array[] {
  const dimensions = choices.length;
  return Array.from(choices, (isChoice, at) => {
    const of = new Float64Array((count * (count - 1)) / 2);
    for (let i = 1, pair = 0; i < count; i++)
      for (let j = 0; j < i; j++, pair++) {
        const [a, b] = [coordinates[i * dimensions + at] as number, coordinates[j * dimensions + at] as number];
        of[pair] = squaredDifference(a, b, isChoice);
      }
    return of;
  });
}

/**
 * Minus the log posterior (up to a constant) and its gradient, by the logarithms of lengths and (last) noise. The signal
 * variance is at its best value for them: σ² = yᵀ R⁻¹ y ÷ n.
 */
function posterior(differences: readonly Float64Array[], values: Float64Array, prior: number): Slope {
  const n = values.length;
  const pairs = (n * (n - 1)) / 2;
  const [matrix, lower, inverse] = [new Float64Array(n * n), new Float64Array(n * n), new Float64Array(n * n)];
  const [squared, weights] = [new Float64Array(pairs), new Float64Array(pairs)];
  return (logs) => {
    const lengths = logs.slice(0, differences.length);
    const logNoise = logs[differences.length] as number;
    const noise = Math.exp(logNoise);
    const inverseSquares = lengths.map((log) => Math.exp(-2 * log));
    squared.fill(0);
    for (const [at, of] of differences.entries()) addScaled(squared, of, inverseSquares[at] as number);
    // ∂k/∂ log ℓ = s · (5/3)(1 + r) e^−r, with s the dimension's share of the squared distance.
    for (let i = 0, pair = 0; i < n; i++) {
      matrix[i * n + i] = 1 + noise;
      for (let j = 0; j < i; j++, pair++) {
        const r = ROOT_FIVE * Math.sqrt(squared[pair] as number);
        const decay = Math.exp(-r);
        matrix[i * n + j] = (1 + r + (r * r) / 3) * decay;
        weights[pair] = (5 / 3) * (1 + r) * decay;
      }
    }
    factorise(matrix, n, LEAST_PIVOT);
    const alpha = solve(matrix, n, values);
    const signal = Math.max(1e-12, dot(alpha, 0, values, 0, n) / n);
    invert(matrix, n, lower, inverse);
    let density = (-n / 2) * Math.log(signal) - (logNoise - LOG_NOISE.prior) ** 2 / 8;
    let trace = 0;
    for (let i = 0, pair = 0; i < n; i++) {
      density -= Math.log(matrix[i * n + i] as number);
      const scaled = (alpha[i] as number) / signal;
      trace += (scaled * (alpha[i] as number) - (inverse[i * n + i] as number)) / 2;
      for (let j = 0; j < i; j++, pair++)
        weights[pair] = (weights[pair] as number) * (scaled * (alpha[j] as number) - (inverse[i * n + j] as number));
    }
    const gradient = differences.map(
      (of, at) => (lengths[at] as number) - prior - dot(weights, 0, of, 0, pairs) * (inverseSquares[at] as number),
    );
    for (const log of lengths) density -= (log - prior) ** 2 / 2;
    gradient.push((logNoise - LOG_NOISE.prior) / 4 - trace * noise);
    return { value: -density, gradient };
  };
}

/** sum += of · weight, element by element. */
function addScaled(sum: Float64Array, of: Float64Array, weight: number) {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (of[i] as number) * weight;
}
