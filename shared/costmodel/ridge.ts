/** Non-negative ridge regression towards 1: the small convex problem behind `fitProfile`. */

/**
 * Minimises Σ wᵢ (1 − zᵢ·r)² + λ Σ (r_t − 1)² subject to r ≥ 0 by cyclic coordinate descent, which converges for this
 * strictly convex problem (Tseng, "Convergence of a block coordinate descent method", 2001).
 * `rows`: one z per observation; all of the same length. `lambda` > 0; all weights 1 where none are given.
 */
export function fitTowardsOne(
  rows: readonly Float64Array[],
  lambda: number,
  weights?: readonly number[],
): Float64Array {
  const size = rows[0]?.length ?? 0;
  const gram = Array.from({ length: size }, () => new Float64Array(size));
  const right = new Float64Array(size).fill(lambda);
  for (const [index, row] of rows.entries())
    for (let a = 0; a < size; a += 1) {
      const value = (row[a] as number) * (weights?.[index] ?? 1);
      if (value === 0) continue;
      right[a] = (right[a] as number) + value;
      const target = gram[a] as Float64Array;
      for (let b = 0; b < size; b += 1) target[b] = (target[b] as number) + value * (row[b] as number);
    }
  const solution = new Float64Array(size).fill(1);
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep += 1) {
    let change = 0;
    for (let a = 0; a < size; a += 1) {
      const line = gram[a] as Float64Array;
      let rest = right[a] as number;
      for (let b = 0; b < size; b += 1) if (b !== a) rest -= (line[b] as number) * (solution[b] as number);
      const next = Math.max(0, rest / ((line[a] as number) + lambda));
      change = Math.max(change, Math.abs(next - (solution[a] as number)));
      solution[a] = next;
    }
    if (change < TOLERANCE) break;
  }
  return solution;
}

const MAX_SWEEPS = 20_000;
const TOLERANCE = 1e-9;
