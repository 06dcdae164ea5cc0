import assert from 'node:assert/strict';
import { test } from 'node:test';
import { congruential32, mulberry32 } from '@edgetune/shared/domain/random.ts';

const first = (count: number, next: () => number) => Array.from({ length: count }, next);

test('the congruential generator gives the numbers that its book prints', () => {
  // "Numerical Recipes in C", 2nd edition, page 284: the values that follow 0.
  assert.deepEqual(
    first(8, congruential32(0)).map((bits) => bits.toString(16).padStart(8, '0')),
    ['3c6ef35f', '47502932', 'd1ccf6e9', 'aaf95334', '6252e503', '9f2ec686', '57fe6c2d', 'a3d95fa8'],
  );
});

test('mulberry32 gives whole numbers of 32 bits, evenly, and its stream again for a seed', () => {
  const bits = first(65_536, mulberry32(7));
  assert.ok(bits.every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32));
  assert.deepEqual(bits.slice(0, 100), first(100, mulberry32(7)));
  const counts = new Array<number>(16).fill(0);
  for (const value of bits) counts[value >>> 28] = (counts[value >>> 28] ?? 0) + 1;
  // Five standard deviations of a binomial with 65,536 draws of 1/16.
  for (const count of counts) assert.ok(Math.abs(count - 4096) < 5 * Math.sqrt(65_536 * (1 / 16) * (15 / 16)));
});
