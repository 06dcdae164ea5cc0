import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descend } from '../../../../../coordinator/tuner/samplers/bayesian/descend.ts';

/** Rosenbrock's valley (1960): the minimum is 0 at (1, 1). */
const rosenbrock = ([x, y]: readonly number[]) => {
  const [a, b] = [x as number, y as number];
  return {
    value: (1 - a) ** 2 + 100 * (b - a * a) ** 2,
    gradient: [-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)],
  };
};

test('goes down a curved valley to its end', () => {
  const { x, value } = descend(
    rosenbrock,
    [-1.2, 1],
    [
      [-5, 5],
      [-5, 5],
    ],
    200,
  );
  assert.ok(value < 1e-2 && Math.abs((x[0] as number) - 1) < 0.15, `${x} with ${value}`);
});

test('stays within the bounds, asks no more often than allowed, never ends higher than it began', () => {
  let asked = 0;
  const counted = (x: readonly number[]) => {
    asked++;
    return rosenbrock(x);
  };
  const { x, value } = descend(
    counted,
    [-1.2, 1],
    [
      [-2, 0.5],
      [0, 2],
    ],
    7,
  );
  assert.ok(asked <= 7 && value <= rosenbrock([-1.2, 1]).value);
  assert.ok((x[0] as number) >= -2 && (x[0] as number) <= 0.5 && (x[1] as number) >= 0 && (x[1] as number) <= 2);
});

test('a flat function ends at once', () => {
  const flat = () => ({ value: 3, gradient: [0] });
  assert.deepEqual(descend(flat, [0.4], [[0, 1]], 50), { x: [0.4], value: 3 });
});
