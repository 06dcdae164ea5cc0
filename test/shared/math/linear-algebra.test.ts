import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dot, factorise, forward, invert, solve } from '@edgetune/shared/math/linear-algebra.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import fc from 'fast-check';
import { near } from '../../support/near.ts';

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
      const cholesky = factorise(Float64Array.from(matrix), n);
      const b = Float64Array.from({ length: n }, keyedRandom(seed, 1).normal);
      const x = solve(cholesky, n, b);
      const [columns, inverse] = [new Float64Array(n * n), new Float64Array(n * n)];
      invert(cholesky, n, columns, inverse);
      for (let i = 0; i < n; i++) {
        near(dot(matrix, i * n, x, 0, n), b[i] as number, 1e-6);
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < n; k++)
            sum += (matrix[i * n + k] as number) * (inverse[Math.max(k, j) * n + Math.min(k, j)] as number);
          near(sum, i === j ? 1 : 0, 1e-6);
        }
      }
    }),
    { numRuns: 40 },
  );
});

/** The example of Wikipedia’s “Cholesky decomposition”: its factor is of whole numbers. The upper half is never read. */
const EXAMPLE = [4, NaN, NaN, 12, 37, NaN, -16, -43, 98];
const FACTOR = [2, NaN, NaN, 6, 1, NaN, -8, 5, 3];

test('the factor of a matrix of whole numbers is exact, and only the lower half is touched', () => {
  const matrix = Float64Array.from(EXAMPLE);
  assert.equal(factorise(matrix, 3), matrix);
  assert.deepEqual([...matrix], FACTOR);
});

test('systems are solved forward row by row, and whole', () => {
  const cholesky = Float64Array.from(FACTOR);
  const b = Float64Array.from([2, 7, 0]);
  forward(cholesky, 3, b, 0, 2);
  assert.deepEqual([...b], [1, 1, 0]);
  forward(cholesky, 3, b, 2, 3);
  assert.deepEqual([...b], [1, 1, 1]);
  // A (1, 2, 3)ᵀ, worked out by hand.
  const right = Float64Array.from([-20, -43, 192]);
  assert.deepEqual([...solve(cholesky, 3, right)], [1, 2, 3]);
  assert.deepEqual([...right], [-20, -43, 192]);
});

test('the inverse of the example', () => {
  const inverse = new Float64Array(9);
  invert(Float64Array.from(FACTOR), 3, new Float64Array(9), inverse);
  // By elimination in fractions. Of the upper half nothing is written.
  const expected = [1777 / 36, 0, 0, -122 / 9, 34 / 9, 0, 19 / 9, -5 / 9, 1 / 9];
  for (const [i, value] of inverse.entries())
    assert.ok(Math.abs(value - (expected[i] as number)) < 1e-12, `element ${i} is ${value}, not ${expected[i]}`);
});

test('what is not positive definite is refused, or raised to the floor where there is one', () => {
  const refused = { name: 'RangeError', message: 'the matrix is not positive definite' };
  for (const matrix of [[0], [-1], [1, 0, 1, 1], [1, 0, 2, 1], [Number.NaN]])
    assert.throws(() => factorise(Float64Array.from(matrix), Math.sqrt(matrix.length)), refused);
  assert.deepEqual([...factorise(Float64Array.from([1, 0, 1, 1]), 2, 0.25)], [1, 0, 1, 0.5]);
  assert.deepEqual([...factorise(Float64Array.from([4, 0, 2, 5]), 2, 0.25)], [2, 0, 1, 2]);
});

test('a scalar product is four sums side by side: proposals of seeded studies depend on its last digits', () => {
  const [values, ones] = [Float64Array.of(1, 2 ** 53, 1, -(2 ** 53)), Float64Array.of(1, 1, 1, 1)];
  // 1 + 2⁵³ is 2⁵³, and 1 − 2⁵³ is exact. One after the other it would be 0.
  assert.equal(dot(values, 0, ones, 0, 4), 1);
});

test('a scalar product of any length, from anywhere', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -99, max: 99 }), { maxLength: 11 }),
      fc.nat(3),
      fc.nat(3),
      (values, from, to) => {
        const [a, b] = [
          Float64Array.from([1, 2, 3, ...values]),
          Float64Array.from([4, 5, 6, ...values.map((x) => x + 1)]),
        ];
        const count = Math.max(0, a.length - Math.max(from, to));
        let sum = 0;
        for (let i = 0; i < count; i++) sum += (a[from + i] as number) * (b[to + i] as number);
        assert.equal(dot(a, from, b, to, count), sum);
      },
    ),
  );
});
