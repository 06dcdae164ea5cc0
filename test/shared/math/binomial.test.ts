import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binomialTail } from '@edgetune/shared/math/binomial.ts';
import fc from 'fast-check';

const close = (actual: number, expected: number, relative = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} instead of ${expected}`);

test('known values, summed in fractions', () => {
  close(binomialTail(9, 10, 0.5), 11 / 1024);
  close(binomialTail(3, 10, 0.5), 968 / 1024);
  close(binomialTail(1, 5, 1 / 3), 1 - (2 / 3) ** 5);
  close(binomialTail(60, 100, 0.5), 0.028443966820490392);
  close(binomialTail(1000, 1000, 0.5), 0.5 ** 1000);
});

test('the interval of Clopper and Pearson is where it says 2.5 %', () => {
  // 4 of 20: 0.0573 to 0.4366, as their charts and R's binom.test(4, 20) have it.
  close(binomialTail(4, 20, 0.05733), 0.025, 1e-3);
  close(1 - binomialTail(5, 20, 0.43661), 0.025, 1e-3);
});

test('of no successes it is certain, of more than there are trials impossible, as of what never or always happens', () => {
  assert.deepEqual([binomialTail(0, 10, 0.1), binomialTail(11, 10, 0.9)], [1, 0]);
  assert.deepEqual([binomialTail(1, 10, 0), binomialTail(10, 10, 1), binomialTail(0, 10, 0)], [0, 1, 1]);
});

test('it is the sum of all ways, falls with the successes and rises with the probability', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.nat(60),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      (trials, seed, probability) => {
        const successes = 1 + (seed % trials);
        let [ways, sum] = [1, 0];
        for (let count = 0; count <= trials; count++) {
          if (count >= successes) sum += ways * probability ** count * (1 - probability) ** (trials - count);
          ways *= (trials - count) / (count + 1);
        }
        const tail = binomialTail(successes, trials, probability);
        assert.ok(Math.abs(tail - sum) < 1e-11, `${tail} instead of ${sum}`);
        assert.ok(binomialTail(successes + 1, trials, probability) <= tail + 1e-12);
        assert.ok(binomialTail(successes, trials, Math.min(1, probability + 0.01)) >= tail - 1e-12);
      },
    ),
  );
});

test('of many trials it is what the normal distribution says', () => {
  // 100,000 of probability 0.1: deviation 94.87; z = 1.6397 of 10,156 less a half: 5.05 %.
  const tail = binomialTail(10_156, 100_000, 0.1);
  assert.ok(Math.abs(tail - 0.0506) < 5e-4, `${tail}`);
  assert.ok(binomialTail(500_000, 1_000_000, 0.5) > 0.5 && binomialTail(500_000, 1_000_000, 0.5) < 0.501);
});
