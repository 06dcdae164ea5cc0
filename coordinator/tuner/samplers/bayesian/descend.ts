/** A smooth function's value and gradient. */
export type Slope = (x: readonly number[]) => { value: number; gradient: number[] };

/** No coordinate moves farther in one step. */
const LONGEST_STEP = 1;
/** A step that gains less ends the descent. */
const LEAST_GAIN = 1e-3;

/**
 * Goes down to a local minimum within bounds by BFGS steps with backtracking (Nocedal and Wright, 2006, chapters 3 and
 * 6); coordinates at a bound that want to leave it stay there.
 * @param evaluations how many times the slope is asked for at most
 */
export function descend(
  slopeAt: Slope,
  start: readonly number[],
  bounds: readonly (readonly [least: number, most: number])[],
  evaluations: number,
): { x: readonly number[]; value: number } {
  const inside = (x: readonly number[]) =>
    x.map((value, i) =>
      Math.min(
        (bounds[i] as readonly number[])[1] as number,
        Math.max((bounds[i] as readonly number[])[0] as number, value),
      ),
    );
  let x: readonly number[] = inside(start);
  let { value, gradient } = slopeAt(x);
  let inverse = identity(x.length);
  let shrunk = 1;
  for (let used = 1; used < evaluations; used++) {
    let direction = inverse.map((row) => -product(row, gradient));
    if (product(direction, gradient) >= 0) {
      inverse = identity(x.length);
      direction = gradient.map((slope) => -slope);
    }
    const longest = Math.max(...direction.map(Math.abs));
    if (longest === 0) break;
    const scale = shrunk * Math.min(1, LONGEST_STEP / longest);
    const next = inside(x.map((at, i) => at + scale * (direction[i] as number)));
    const step = next.map((at, i) => at - (x[i] as number));
    const after = slopeAt(next);
    // Armijo's condition; a step that fails it is tried again, shorter.
    if (!(after.value <= value + 1e-4 * product(step, gradient))) {
      shrunk *= 0.3;
      if (shrunk < 0.01) break;
      continue;
    }
    const gained = value - after.value;
    updateInverse(
      inverse,
      step,
      after.gradient.map((slope, i) => slope - (gradient[i] as number)),
    );
    [x, value, gradient, shrunk] = [next, after.value, after.gradient, 1];
    if (gained < LEAST_GAIN) break;
  }
  return { x, value };
}

const identity = (n: number) =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));

const product = (a: readonly number[], b: readonly number[]) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/** The BFGS update of the inverse Hessian, in place; left out where the curvature is not positive. */
function updateInverse(inverse: number[][], step: readonly number[], change: readonly number[]) {
  const curvature = product(step, change);
  if (!(curvature > 1e-10)) return;
  const turned = inverse.map((row) => product(row, change));
  const factor = (1 + product(change, turned) / curvature) / curvature;
  for (const [i, row] of inverse.entries())
    for (let j = 0; j < row.length; j++)
      row[j] =
        (row[j] as number) +
        factor * (step[i] as number) * (step[j] as number) -
        ((turned[i] as number) * (step[j] as number) + (step[i] as number) * (turned[j] as number)) / curvature;
}
