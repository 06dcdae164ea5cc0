/** The mixed model on problems whose answer is on paper. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitLogarithms, type LogRow, type Strengths, sharesOf } from '@edgetune/shared/costmodel/log-fit.ts';
import fc from 'fast-check';

const STRENGTHS: Strengths = { level: 0.6, coefficient: 0.8, family: 0.3, size: 0.2, cell: 0.1, row: 0.05 };

function row(baseUs: number[], logUs: number, change: Partial<LogRow> = {}): LogRow {
  return { baseUs: Float64Array.from(baseUs), logUs, family: 0, size: 0, cell: 0, count: 1, trust: 1, ...change };
}

const near = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${actual}, not ${expected}`);

describe('coefficients in logarithms', () => {
  it('of one term: what is off is dealt out to coefficient, family, size and cell by their variances', () => {
    const rows = [1, 2, 3, 4].map((us) => row([us], Math.log(us) + 0.5));
    const { logRatios, families, sizes } = fitLogarithms(rows, STRENGTHS);
    const variances = {
      own: 0.6 ** 2 + 0.8 ** 2,
      family: 0.3 ** 2,
      size: 0.2 ** 2,
      cell: 0.1 ** 2,
      rows: 0.05 ** 2 / 4,
    };
    const total = Object.values(variances).reduce((sum, value) => sum + value, 0);
    near(logRatios[0] as number, (0.5 * variances.own) / total);
    near(families[0] as number, (0.5 * variances.family) / total);
    near(sizes[0] as number, (0.5 * variances.size) / total);
  });

  it('a row counts as its count and its trust say', () => {
    const strengths = { ...STRENGTHS, family: 1e-6, size: 1e-6, cell: 1e-6 };
    const own = 0.6 ** 2 + 0.8 ** 2;
    const of = (count: number, trust: number) =>
      fitLogarithms([row([1], 1, { count, trust })], { ...strengths, row: 1 }).logRatios[0] as number;
    near(of(1, 1), own / (own + 1), 1e-5);
    near(of(0.5, 1), own / (own + 2), 1e-5);
    near(of(0.5, 0.5), own / (own + 4), 1e-5);
  });

  it('many rows of one family are one piece of evidence on the coefficients', () => {
    const strengths = { ...STRENGTHS, size: 1e-6, cell: 1e-6 };
    const of = (count: number) =>
      fitLogarithms(
        Array.from({ length: count }, () => row([1], 1)),
        strengths,
      ).logRatios[0] as number;
    const limit = 1 / (1 + 0.3 ** 2 / (0.6 ** 2 + 0.8 ** 2));
    assert.ok(of(10) < limit && of(1000) < limit);
    near(of(1000), limit, 1e-3);
  });

  it('what no row holds stays at the level of the rest, by its variance', () => {
    const strengths = { ...STRENGTHS, family: 1e-6, size: 1e-6, cell: 1e-6, row: 1e-4 };
    const { logRatios } = fitLogarithms([row([1, 0], 1)], strengths);
    near(logRatios[0] as number, 1, 1e-4);
    near(logRatios[1] as number, 0.6 ** 2 / (0.6 ** 2 + 0.8 ** 2), 1e-3);
  });

  it('the shares are those of the latency, and their sum is its logarithm', () => {
    const shares = new Float64Array(2);
    near(sharesOf(Float64Array.from([1, 3]), Float64Array.from([Math.log(6), Math.log(2)]), shares), Math.log(12));
    assert.deepEqual(
      [...shares].map((share) => Math.round(share * 1e9) / 1e9),
      [0.5, 0.5],
    );
  });

  it('the precision of a coefficient is that of its rows and its prior', () => {
    const { precision } = fitLogarithms([row([1], 0, { count: 0.5 })], STRENGTHS);
    near((precision[0] as number) ** 2, 0.5 / 0.05 ** 2 + 1 / (0.6 ** 2 + 0.8 ** 2));
  });

  it('no neighbour of what is found is more probable', () => {
    const problem = fc.array(
      fc.record({
        us: fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 }),
        off: fc.double({ min: -1, max: 1, noNaN: true }),
      }),
      { minLength: 2, maxLength: 8 },
    );
    fc.assert(
      fc.property(problem, (cases) => {
        const rows = cases.map(({ us, off }, index) =>
          row(us, Math.log(us.reduce((sum, each) => sum + each, 0)) + off, { size: index % 2, cell: index % 2 }),
        );
        const { mode } = fitLogarithms(rows, STRENGTHS);
        const least = lossOf(rows, mode);
        for (const index of mode.keys())
          for (const change of [-1e-3, 1e-3])
            assert.ok(lossOf(rows, mode.with(index, (mode[index] as number) + change)) >= least - 2e-4);
      }),
      { numRuns: 50 },
    );
  });
});

/** Half of the weighted squares of rows and prior, written out. `mode`: three coefficients, a family, two sizes, two cells. */
function lossOf(rows: readonly LogRow[], mode: Float64Array): number {
  const coefficients = mode.slice(0, 3);
  const shares = new Float64Array(3);
  let loss = 0;
  for (const each of rows) {
    const effects = [mode[3], mode[4 + each.size], mode[6 + each.cell]] as number[];
    const rest =
      each.logUs - sharesOf(each.baseUs, coefficients, shares) - effects.reduce((sum, value) => sum + value, 0);
    loss += rest ** 2 / STRENGTHS.row ** 2 / 2;
  }
  // The least over the common level of level² / s² + Σ (coefficient − level)² / t².
  const sum = coefficients.reduce((total, value) => total + value, 0);
  const level = sum / STRENGTHS.coefficient ** 2 / (1 / STRENGTHS.level ** 2 + 3 / STRENGTHS.coefficient ** 2);
  loss += level ** 2 / STRENGTHS.level ** 2 / 2;
  for (const value of coefficients) loss += (value - level) ** 2 / STRENGTHS.coefficient ** 2 / 2;
  for (const [index, value] of mode.entries()) {
    if (index < 3) continue;
    const deviation = index === 3 ? STRENGTHS.family : index < 6 ? STRENGTHS.size : STRENGTHS.cell;
    loss += value ** 2 / deviation ** 2 / 2;
  }
  return loss;
}
