/** Non-negative ridge regression towards 1: the small convex problem behind `fitProfile`. */
import { factorise, solve } from '@edgetune/shared/math/linear-algebra.ts';

/** Z'WZ + λI and Z'W1 + λ1. */
function normalEquations(rows: readonly Float64Array[], lambda: number, weights: readonly number[] | undefined) {
  const size = (rows[0] as Float64Array).length;
  const gram = Array.from({ length: size }, (_, index) => new Float64Array(size).fill(lambda, index, index + 1));
  const right = new Float64Array(size).fill(lambda);
  for (const [index, row] of rows.entries()) {
    const weight = weights?.[index] ?? 1;
    for (const [a, z] of row.entries()) {
      const value = z * weight;
      right[a] = (right[a] as number) + value;
      const line = gram[a] as Float64Array;
      for (const [b, other] of row.entries()) line[b] = (line[b] as number) + value * other;
    }
  }
  return { gram, right };
}

/**
 * Minimises Σ wᵢ (1 − zᵢ·r)² + λ Σ (r_t − 1)² subject to r ≥ 0, by the active-set method of Lawson & Hanson ("Solving
 * Least Squares Problems", 1974, chapter 23). `rows`: one z per observation, at least one; all of the same length. `lambda` > 0; all
 * weights 1 where none are given.
 */
export function fitTowardsOne(
  rows: readonly Float64Array[],
  lambda: number,
  weights?: readonly number[],
): Float64Array {
  const { gram, right } = normalEquations(rows, lambda, weights);
  const size = right.length;
  const solution = new Float64Array(size).fill(1);
  const free = new Set(solution.keys());
  descend(gram, right, solution, free);
  for (let round = 0; round < 3 * size; round += 1) {
    const next = mostPromising(gram, right, solution, free);
    if (next === null) break;
    free.add(next);
    descend(gram, right, solution, free);
  }
  return solution;
}

/** Goes to the optimum over the free unknowns, all others at zero; those that would turn negative on the way stop being free. */
function descend(gram: readonly Float64Array[], right: Float64Array, solution: Float64Array, free: Set<number>): void {
  for (;;) {
    const indices = [...free];
    const count = indices.length;
    const matrix = new Float64Array(count * count);
    for (const [at, a] of indices.entries())
      for (const [to, b] of indices.entries()) matrix[at * count + to] = (gram[a] as Float64Array)[b] as number;
    const unconstrained = solve(
      factorise(matrix, count),
      count,
      Float64Array.from(indices, (a) => right[a] as number),
    );
    let step = 1;
    for (const [at, index] of indices.entries()) {
      const [from, to] = [solution[index] as number, unconstrained[at] as number];
      if (to <= 0) step = Math.min(step, from / (from - to));
    }
    for (const [at, index] of indices.entries()) {
      const from = solution[index] as number;
      const moved = from + step * ((unconstrained[at] as number) - from);
      const hitsZero = step < 1 && moved <= SMALLEST;
      solution[index] = hitsZero ? 0 : moved;
      if (hitsZero) free.delete(index);
    }
    if (step >= 1) return;
  }
}

/** Values below this are zero: the unknowns are of the order of 1. */
const SMALLEST = 1e-12;

/** The unknown at zero whose growth lowers the sum most steeply, or null where none does: then the solution is optimal. */
function mostPromising(
  gram: readonly Float64Array[],
  right: Float64Array,
  solution: Float64Array,
  free: ReadonlySet<number>,
): number | null {
  let best: number | null = null;
  let steepest = 1e-9;
  for (const [index, line] of gram.entries()) {
    if (free.has(index)) continue;
    const slope = line.reduce((rest, value, at) => rest - value * (solution[at] as number), right[index] as number);
    if (slope > steepest) [best, steepest] = [index, slope];
  }
  return best;
}
