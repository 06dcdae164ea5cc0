/**
 * Symmetric positive definite systems (Golub and Van Loan, "Matrix Computations", 2013, chapter 4), on square matrices
 * that are stored row by row. Every inner loop is a scalar product of two rows with four sums side by side: one sum alone
 * would wait for each addition.
 */

/** Σ a[aFrom + i] · b[bFrom + i], over `count` elements. */
export function dot(a: Float64Array, aFrom: number, b: Float64Array, bFrom: number, count: number): number {
  // One by one: a list would be made anew on every call.
  let p = 0;
  let q = 0;
  let r = 0;
  let s = 0;
  let i = 0;
  for (; i + 3 < count; i += 4) {
    p += (a[aFrom + i] as number) * (b[bFrom + i] as number);
    q += (a[aFrom + i + 1] as number) * (b[bFrom + i + 1] as number);
    r += (a[aFrom + i + 2] as number) * (b[bFrom + i + 2] as number);
    s += (a[aFrom + i + 3] as number) * (b[bFrom + i + 3] as number);
  }
  for (; i < count; i++) p += (a[aFrom + i] as number) * (b[bFrom + i] as number);
  return p + q + (r + s);
}

/**
 * Lower Cholesky factor of a symmetric matrix, of which the lower half is read, in place.
 * @param floor what is left of a diagonal element is at least this (points that coincide leave nothing but rounding errors)
 * @throws {RangeError} where the matrix is not positive definite and no floor is given
 */
export function factorise(matrix: Float64Array, n: number, floor = 0): Float64Array {
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j < i; j++)
      matrix[row + j] =
        ((matrix[row + j] as number) - dot(matrix, row, matrix, j * n, j)) / (matrix[j * n + j] as number);
    const left = (matrix[row + i] as number) - dot(matrix, row, matrix, row, i);
    if (floor === 0 && !(left > 0)) throw new RangeError('the matrix is not positive definite');
    matrix[row + i] = Math.sqrt(Math.max(left, floor));
  }
  return matrix;
}

/** Solves rows `from` to `to` of L z = b in place; the rows before are solved already. */
export function forward(cholesky: Float64Array, n: number, b: Float64Array, from: number, to: number) {
  for (let i = from; i < to; i++)
    b[i] = ((b[i] as number) - dot(cholesky, i * n, b, 0, i)) / (cholesky[i * n + i] as number);
}

/** Solves Lᵀ x = b in place. */
function backward(cholesky: Float64Array, n: number, b: Float64Array) {
  for (let i = n - 1; i >= 0; i--) {
    const x = (b[i] as number) / (cholesky[i * n + i] as number);
    b[i] = x;
    for (let k = 0; k < i; k++) b[k] = (b[k] as number) - (cholesky[i * n + k] as number) * x;
  }
}

/** Solves L Lᵀ x = b; `b` stays as it is. */
export function solve(cholesky: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b);
  forward(cholesky, n, x, 0, n);
  backward(cholesky, n, x);
  return x;
}

/**
 * Puts the lower half of the inverse of L Lᵀ into `inverse`.
 * @param columns room for another matrix: row j becomes column j of the inverse of L, so that the products go along rows
 */
export function invert(cholesky: Float64Array, n: number, columns: Float64Array, inverse: Float64Array) {
  for (let j = 0; j < n; j++) {
    columns[j * n + j] = 1 / (cholesky[j * n + j] as number);
    for (let i = j + 1; i < n; i++)
      columns[j * n + i] = -dot(cholesky, i * n + j, columns, j * n + j, i - j) / (cholesky[i * n + i] as number);
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) inverse[i * n + j] = dot(columns, i * n + i, columns, j * n + i, n - i);
}
