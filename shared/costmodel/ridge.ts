/** Non-negative ridge regression towards 1: the small convex problem behind `fitProfile`. */

/** Solves a symmetric positive definite system by Cholesky factorisation; `a` and `b` are overwritten. */
function solveInPlace(a: Float64Array[], b: Float64Array): Float64Array {
  const size = b.length;
  for (let row = 0; row < size; row += 1) {
    const line = a[row] as Float64Array;
    for (let column = 0; column <= row; column += 1) {
      const other = a[column] as Float64Array;
      let sum = line[column] as number;
      for (let k = 0; k < column; k += 1) sum -= (line[k] as number) * (other[k] as number);
      line[column] = row === column ? Math.sqrt(sum) : sum / (other[column] as number);
    }
    let sum = b[row] as number;
    for (let k = 0; k < row; k += 1) sum -= (line[k] as number) * (b[k] as number);
    b[row] = sum / (line[row] as number);
  }
  for (let row = size - 1; row >= 0; row -= 1) {
    let sum = b[row] as number;
    for (let k = row + 1; k < size; k += 1) sum -= ((a[k] as Float64Array)[row] as number) * (b[k] as number);
    b[row] = sum / ((a[row] as Float64Array)[row] as number);
  }
  return b;
}

/** Z'WZ + λI and Z'W1 + λ1. */
function normalEquations(rows: readonly Float64Array[], lambda: number, weights: readonly number[] | undefined) {
  const size = rows[0]?.length ?? 0;
  const gram = Array.from({ length: size }, (_, index) => new Float64Array(size).fill(lambda, index, index + 1));
  const right = new Float64Array(size).fill(lambda);
  for (const [index, row] of rows.entries()) {
    const weight = weights?.[index] ?? 1;
    for (let a = 0; a < size; a += 1) {
      const value = (row[a] as number) * weight;
      if (value === 0) continue;
      right[a] = (right[a] as number) + value;
      const line = gram[a] as Float64Array;
      for (let b = 0; b < size; b += 1) line[b] = (line[b] as number) + value * (row[b] as number);
    }
  }
  return { gram, right };
}

/**
 * Minimises Σ wᵢ (1 − zᵢ·r)² + λ Σ (r_t − 1)² subject to r ≥ 0, by the active-set method of Lawson & Hanson ("Solving
 * Least Squares Problems", 1974, chapter 23). `rows`: one z per observation; all of the same length. `lambda` > 0; all
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
    const unconstrained = solveInPlace(
      indices.map((a) => Float64Array.from(indices, (b) => (gram[a] as Float64Array)[b] as number)),
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
    let slope = right[index] as number;
    for (let at = 0; at < line.length; at += 1) slope -= (line[at] as number) * (solution[at] as number);
    if (slope > steepest) [best, steepest] = [index, slope];
  }
  return best;
}
