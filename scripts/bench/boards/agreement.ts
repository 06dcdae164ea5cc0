/** How well predictions agree with measurements. */

export interface Agreement {
  count: number;
  mape: number;
  withinTenPercent: number;
  spearman: number;
  kendall: number;
}

/** Ranks from 1, ties sharing their mean rank. */
function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, index) => index).sort((one, two) => (values[one] as number) - (values[two] as number));
  const ranks = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end + 1 < order.length && values[order[end + 1] as number] === values[order[start] as number]) end += 1;
    for (let at = start; at <= end; at += 1) ranks[order[at] as number] = (start + end) / 2 + 1;
    start = end + 1;
  }
  return ranks;
}

function correlation(one: readonly number[], two: readonly number[]): number {
  const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanOne, meanTwo] = [meanOf(one), meanOf(two)];
  let product = 0;
  let squareOne = 0;
  let squareTwo = 0;
  for (const [index, value] of one.entries()) {
    const [a, b] = [value - meanOne, (two[index] as number) - meanTwo];
    product += a * b;
    squareOne += a * a;
    squareTwo += b * b;
  }
  return product / Math.sqrt(squareOne * squareTwo);
}

/** Kendall's τ-b. */
function kendall(one: readonly number[], two: readonly number[]): number {
  let score = 0;
  let untiedOne = 0;
  let untiedTwo = 0;
  for (let a = 0; a < one.length; a += 1)
    for (let b = a + 1; b < one.length; b += 1) {
      const signOne = Math.sign((one[a] as number) - (one[b] as number));
      const signTwo = Math.sign((two[a] as number) - (two[b] as number));
      score += signOne * signTwo;
      untiedOne += Math.abs(signOne);
      untiedTwo += Math.abs(signTwo);
    }
  return score / Math.sqrt(untiedOne * untiedTwo);
}

export function agreementOf(predicted: readonly number[], measured: readonly number[]): Agreement {
  const errors = predicted.map((value, index) => Math.abs(value / (measured[index] as number) - 1));
  return {
    count: errors.length,
    mape: errors.reduce((sum, error) => sum + error, 0) / errors.length,
    withinTenPercent: errors.filter((error) => error <= 0.1).length / errors.length,
    spearman: correlation(ranksOf(predicted), ranksOf(measured)),
    kendall: kendall(predicted, measured),
  };
}
