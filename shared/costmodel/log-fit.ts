/**
 * Coefficients from measurements, in logarithms: a mixed model (Pinheiro & Bates, "Mixed-Effects Models in S and S-PLUS",
 * 2000, chapter 2) whose mode Gauss–Newton steps find. What a whole family of networks or a whole input size deviates by
 * is an effect of its own, so that its rows count as one piece of evidence on the coefficients and not as many.
 */
import { factorise, solve } from '@edgetune/shared/math/linear-algebra.ts';

export interface LogRow {
  /** Cost of each term under the base, in microseconds; the sum is positive. */
  baseUs: Float64Array;
  /** Logarithm of what was measured, in microseconds. */
  logUs: number;
  /** Indices, each from 0 without gaps. */
  family: number;
  size: number;
  /** Family, size and threads together. */
  cell: number;
  /** How much of a row it counts as: rows of one cell are not independent, and a disturbed one says less. */
  count: number;
  trust: number;
}

/** Standard deviations of logarithms. */
export interface Strengths {
  /** Of the board's speed as a whole, and of each coefficient about it. */
  level: number;
  coefficient: number;
  /** Of what the coefficients do not explain: of a family, of a size, of both together, of a row. */
  family: number;
  size: number;
  cell: number;
  row: number;
}

export interface LogFit {
  strengths: Strengths;
  /** Logarithm of each coefficient over the base's. */
  logRatios: Float64Array;
  families: Float64Array;
  sizes: Float64Array;
  /** Logarithm of the rows' probability under these strengths, but for a constant (Laplace's approximation). */
  evidence: number;
  /** Everything that was sought, to start a similar fit from. */
  mode: Float64Array;
  /** How well the coefficients are known where the effects are: the lower Cholesky factor of the precision, row by row. */
  precision: Float64Array;
}

/** Shares of the terms under the coefficients into `shares`; returns the logarithm of the latency in microseconds. */
export function sharesOf(baseUs: Float64Array, logRatios: Float64Array, shares: Float64Array): number {
  let total = 0;
  for (let term = 0; term < baseUs.length; term += 1) {
    const us = (baseUs[term] as number) * Math.exp(logRatios[term] as number);
    shares[term] = us;
    total += us;
  }
  for (let term = 0; term < baseUs.length; term += 1) shares[term] = (shares[term] as number) / total;
  return Math.log(total);
}

interface Layout {
  terms: number;
  families: number;
  sizes: number;
  count: number;
}

function layoutOf(rows: readonly LogRow[]): Layout {
  const most = (index: (row: LogRow) => number) => rows.reduce((largest, row) => Math.max(largest, index(row)), -1) + 1;
  const terms = (rows[0] as LogRow).baseUs.length;
  const [families, sizes] = [most((row) => row.family), most((row) => row.size)];
  return { terms, families, sizes, count: terms + families + sizes + most((row) => row.cell) };
}

/** The prior's precision: coefficients vary about a common level, effects about 0. */
function priorOf(layout: Layout, strengths: Strengths): { matrix: Float64Array; logDeterminant: number } {
  const { terms, families, sizes, count } = layout;
  const [level, own] = [strengths.level ** 2, strengths.coefficient ** 2];
  const matrix = new Float64Array(count * count);
  for (let row = 0; row < terms; row += 1) {
    // (own I + level 11ᵀ)⁻¹ by Sherman & Morrison (1950).
    matrix.fill(-level / (own + terms * level) / own, row * count, row * count + terms);
    matrix[row * count + row] = (matrix[row * count + row] as number) + 1 / own;
  }
  let logDeterminant = -(terms - 1) * Math.log(own) - Math.log(own + terms * level);
  for (let index = terms; index < count; index += 1) {
    const isFamily = index < terms + families;
    const deviation = isFamily ? strengths.family : index < terms + families + sizes ? strengths.size : strengths.cell;
    matrix[index * count + index] = 1 / deviation ** 2;
    logDeterminant -= 2 * Math.log(deviation);
  }
  return { matrix, logDeterminant };
}

interface Sums {
  /** Lower half of the precision. */
  matrix: Float64Array;
  gradient: Float64Array;
  /** Half the sum of squares, prior included. */
  loss: number;
}

/** One row's part of the sums; `at` and `slopes` hold where it has slopes, and which. */
function addRow(
  sums: Sums,
  count: number,
  at: readonly number[],
  slopes: readonly number[],
  rest: number,
  weight: number,
) {
  const { matrix, gradient } = sums;
  sums.loss += 0.5 * weight * rest * rest;
  for (const [a, row] of at.entries()) {
    const weighted = weight * (slopes[a] as number);
    gradient[row] = (gradient[row] as number) + weighted * rest;
    for (let b = 0; b <= a; b += 1) {
      const cell = row * count + (at[b] as number);
      matrix[cell] = (matrix[cell] as number) + weighted * (slopes[b] as number);
    }
  }
}

function sumsAt(rows: readonly LogRow[], layout: Layout, prior: Float64Array, row: number, mode: Float64Array): Sums {
  const { terms, families, sizes, count } = layout;
  const sums: Sums = { matrix: Float64Array.from(prior), gradient: new Float64Array(count), loss: 0 };
  const shares = new Float64Array(terms);
  const logRatios = mode.subarray(0, terms);
  for (const each of rows) {
    const effects = [terms + each.family, terms + families + each.size, terms + families + sizes + each.cell];
    let rest = each.logUs - sharesOf(each.baseUs, logRatios, shares);
    for (const index of effects) rest -= mode[index] as number;
    const at: number[] = [];
    for (let term = 0; term < terms; term += 1) if ((shares[term] as number) > 0) at.push(term);
    const slopes = at.map((term) => shares[term] as number);
    addRow(sums, count, [...at, ...effects], [...slopes, 1, 1, 1], rest, (each.count * each.trust) / row ** 2);
  }
  for (let index = 0; index < count; index += 1) {
    let pull = 0;
    for (let other = 0; other < count; other += 1)
      pull += (prior[index * count + other] as number) * (mode[other] as number);
    sums.gradient[index] = (sums.gradient[index] as number) - pull;
    sums.loss += 0.5 * pull * (mode[index] as number);
  }
  return sums;
}

const MOST_STEPS = 60;
const SMALLEST_STEP = 1e-3;
const SMALLEST_GAIN = 1e-7;

/** Half the logarithm of a determinant, from its Cholesky factor. */
function halfLogDeterminant(cholesky: Float64Array, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index += 1) sum += Math.log(cholesky[index * count + index] as number);
  return sum;
}

/** The most probable coefficients and effects. `rows`: at least one. `start`: the mode of a fit to the same rows. */
export function fitLogarithms(rows: readonly LogRow[], strengths: Strengths, start?: Float64Array): LogFit {
  const layout = layoutOf(rows);
  const { terms, families, sizes, count } = layout;
  const prior = priorOf(layout, strengths);
  const at = (mode: Float64Array) => sumsAt(rows, layout, prior.matrix, strengths.row, mode);
  let mode = start ?? new Float64Array(count);
  let sums = at(mode);
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const direction = solve(factorise(Float64Array.from(sums.matrix), count), count, sums.gradient);
    let length = 1;
    let next = mode;
    let found = sums;
    for (; length > SMALLEST_STEP; length /= 2) {
      const share = length;
      next = mode.map((value, index) => value + share * (direction[index] as number));
      found = at(next);
      if (found.loss <= sums.loss) break;
    }
    const gain = sums.loss - found.loss;
    if (!(gain > 0)) break;
    [mode, sums] = [next, found];
    if (gain < SMALLEST_GAIN) break;
  }
  const precision = factorise(Float64Array.from(sums.matrix), count);
  const spread = rows.reduce((sum, row) => sum + row.count * row.trust, 0) * Math.log(strengths.row);
  const own = new Float64Array(terms * terms);
  for (let row = 0; row < terms; row += 1) own.set(sums.matrix.subarray(row * count, row * count + terms), row * terms);
  return {
    strengths,
    logRatios: mode.slice(0, terms),
    families: mode.slice(terms, terms + families),
    sizes: mode.slice(terms + families, terms + families + sizes),
    evidence: 0.5 * prior.logDeterminant - halfLogDeterminant(precision, count) - spread - sums.loss,
    mode,
    precision: factorise(own, terms),
  };
}
