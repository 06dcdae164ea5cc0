import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crossed, mutated } from '../../../../../coordinator/tuner/samplers/evolution/variation.ts';
import { near } from '../../../../support/near.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';
import { reference } from '../../fixtures/reference.ts';

const inUnit = (x: number) => Math.min(1, Math.max(0, x));

test('simulated binary crossover gives the children that DEAP gives, cut off at [0, 1]', () => {
  for (const { a, b, u, first, second } of reference.crossover.rows) {
    near(crossed(a, b, scriptedRandom([u, 0.49])), inUnit(first), 1e-14);
    near(crossed(a, b, scriptedRandom([u, 0.5])), inUnit(second), 1e-14);
  }
});

test('polynomial mutation gives what DEAP gives in the middle of the range, where its bounds hardly change anything', () => {
  for (const { x, u, mutant } of reference.mutation.rows) near(mutated(x, scriptedRandom([u])), mutant, 1e-6);
});

test('polynomial mutation ends at the ends of the range', () => {
  // (2 · 0.01)^(1/21) − 1 = −0.17.
  assert.equal(mutated(0.1, scriptedRandom([0.01])), 0);
  near(mutated(0.9, scriptedRandom([0.01])), 0.9 + 0.02 ** (1 / 21) - 1, 1e-14);
  assert.equal(mutated(0.9, scriptedRandom([0.99])), 1);
});
