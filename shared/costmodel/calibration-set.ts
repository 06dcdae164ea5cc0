/** Which architectures to measure when only a few can be. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { RunnableModel } from '@edgetune/shared/onnx/analyse.ts';
import type { BoardProfile } from './board-profile.ts';
import { runTerms } from './predict.ts';
import { TERMS } from './terms.ts';

/** The prior's weight in the design, as in the fit. */
const PRIOR = 0.01;

/** Share of each term in a run's predicted latency: the regressors of `fitProfile`. */
function sharesOf(base: BoardProfile, analysis: RunnableModel, config: InferenceConfig): Float64Array {
  const { backend, terms } = runTerms(base, analysis, config);
  const us = Float64Array.from(TERMS, (term) => terms[term] * (backend.coefficients[term] ?? 0));
  const total = us.reduce((sum, value) => sum + value, 0);
  return us.map((value) => value / total);
}

function times(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) =>
    row.reduce((sum, value, index) => sum + value * (vector[index] as number), 0),
  );
}

function dot(one: Float64Array, two: Float64Array): number {
  return one.reduce((sum, value, index) => sum + value * (two[index] as number), 0);
}

/** (A + x xᵀ)⁻¹ from A⁻¹ (Sherman & Morrison, 1950). */
function addToInverse(inverse: Float64Array[], x: Float64Array): void {
  const product = times(inverse, x);
  const scale = 1 / (1 + dot(x, product));
  for (const [row, values] of inverse.entries())
    for (const [column, value] of values.entries())
      values[column] = value - scale * (product[row] as number) * (product[column] as number);
}

/**
 * Chooses `count` models to calibrate with: a Bayesian D-optimal design (Chaloner & Verdinelli, 1995), built greedily.
 * Each next model adds the most information on the terms that the ones before leave unknown. Only graphs are looked at,
 * never a measurement. Returns indices into `analyses`.
 */
export function chooseCalibrationSet(
  base: BoardProfile,
  analyses: readonly RunnableModel[],
  config: InferenceConfig,
  count: number,
): number[] {
  const shares = analyses.map((analysis) => sharesOf(base, analysis, config));
  const inverse = TERMS.map((_, row) => Float64Array.from(TERMS, (_term, column) => (row === column ? 1 / PRIOR : 0)));
  const chosen: number[] = [];
  const rest = new Set(shares.keys());
  while (chosen.length < Math.min(count, shares.length)) {
    let best = -1;
    let gain = -Infinity;
    for (const index of rest) {
      const own = shares[index] as Float64Array;
      const information = dot(own, times(inverse, own));
      if (information > gain) [best, gain] = [index, information];
    }
    chosen.push(best);
    rest.delete(best);
    addToInverse(inverse, shares[best] as Float64Array);
  }
  return chosen;
}
