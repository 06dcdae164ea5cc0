import assert from 'node:assert/strict';

/** Asserts that a number is another one up to an error: 1e-9, or relative to it where it is larger than 1. */
export function near(actual: number, expected: number, error = 1e-9, what = 'value') {
  const distance = Math.abs(actual - expected);
  assert.ok(distance <= error * Math.max(1, Math.abs(expected)), `${what} is ${actual}, not ${expected}`);
}
