/** How freely coefficients and effects vary, from the measurements themselves (empirical Bayes). */
import { fitLogarithms, type LogFit, type LogRow, type Strengths } from './log-fit.ts';

/** A board of quite another speed than the base: a factor of three either way is nothing unusual. */
const OTHER_BOARD = 1.1;

/** What sizes deviate by was 3 to 9 % on the boards that `npm run bench:boards` reads. */
const USUAL_SIZE = 0.05;

/** Standard deviations that are tried. Measurements repeat no better than within 1 % and no worse than within 5 %: more is the model's. */
const ROWS = [0.01, 0.015, 0.022, 0.033, 0.05];
const SIZES = [0.02, 0.035, 0.06, 0.1, 0.17, 0.3];
/** As multiples of the base's own error. */
const COEFFICIENTS = [0.25, 0.5, 1, 2, 4];
const FAMILIES = [0.125, 0.25, 0.5, 1, 2];

/** A strength lies within a factor of e^0.5 (coefficients: e^0.7) of the usual one, two times in three. */
const SPREAD = 0.5;
const COEFFICIENT_SPREAD = 0.7;

const ROUNDS = 3;

/** Logarithm of a strength's own probability, but for a constant: few rows say little of it. */
function plausibility(strengths: Strengths, baseSd: number): number {
  const miss = (value: number, usual: number, spread: number) => -0.5 * (Math.log(value / usual) / spread) ** 2;
  return (
    miss(strengths.family, baseSd, SPREAD) +
    miss(strengths.size, USUAL_SIZE, SPREAD) +
    miss(strengths.cell, USUAL_SIZE, SPREAD) +
    miss(strengths.coefficient, baseSd, COEFFICIENT_SPREAD)
  );
}

/**
 * The fit under the most probable strengths, found one after another.
 * @param baseSd standard deviation of the base's own error, in logarithms
 */
export function fitWithStrengths(rows: readonly LogRow[], baseSd: number): LogFit {
  let best = fitLogarithms(rows, {
    level: OTHER_BOARD,
    coefficient: baseSd,
    family: baseSd,
    size: USUAL_SIZE,
    cell: USUAL_SIZE,
    row: 0.05,
  });
  let score = best.evidence + plausibility(best.strengths, baseSd);
  const tried: [keyof Strengths, readonly number[]][] = [
    ['row', ROWS],
    ['cell', SIZES],
    ['size', SIZES],
    ['family', FAMILIES.map((multiple) => multiple * baseSd)],
    ['coefficient', COEFFICIENTS.map((multiple) => multiple * baseSd)],
    ['level', [baseSd, OTHER_BOARD]],
  ];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = score;
    for (const [name, values] of tried)
      for (const value of values) {
        if (value === best.strengths[name]) continue;
        const fit = fitLogarithms(rows, { ...best.strengths, [name]: value }, best.mode);
        const found = fit.evidence + plausibility(fit.strengths, baseSd);
        if (found > score) [best, score] = [fit, found];
      }
    if (score === before) break;
  }
  return best;
}

/** Whether the rows say that the board is of another speed than the base, not just off by the base's error. */
export function isOtherBoard({ strengths }: LogFit): boolean {
  return strengths.level === OTHER_BOARD;
}
