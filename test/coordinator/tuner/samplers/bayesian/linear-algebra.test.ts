import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import { dot, factorise, invert, solve } from '../../../../../coordinator/tuner/samplers/bayesian/linear-algebra.ts';

/** A symmetric, positive definite matrix: A Aᵀ + 1 on the diagonal. */
function matrixOf(n: number, seed: number): Float64Array {
  const random = keyedRandom(seed);
  const a = Float64Array.from({ length: n * n }, random.normal);
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) matrix[i * n + j] = dot(a, i * n, a, j * n, n) + (i === j ? 1 : 0);
  return matrix;
}

test('a solution put back gives the right side, and the inverse times the matrix is one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer(), (n, seed) => {
      const matrix = matrixOf(n, seed);
      const cholesky = factorise(Float64Array.from(matrix), n, 0);
      const b = Float64Array.from({ length: n }, keyedRandom(seed, 1).normal);
      const x = solve(cholesky, n, b);
      const [columns, inverse] = [new Float64Array(n * n), new Float64Array(n * n)];
      invert(cholesky, n, columns, inverse);
      for (let i = 0; i < n; i++) {
        assert.ok(Math.abs(dot(matrix, i * n, x, 0, n) - (b[i] as number)) < 1e-6);
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++)
            sum += (matrix[i * n + k] as number) * (inverse[Math.max(k, j) * n + Math.min(k, j)] as number);
          assert.ok(Math.abs(sum - (i === j ? 1 : 0)) < 1e-6);
        }
      }
    }),
    { numRuns: 40 },
  );
});
