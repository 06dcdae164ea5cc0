import assert from 'node:assert/strict';
import { test } from 'node:test';
import { congruential32, mulberry32, sfc32 } from '@edgetune/shared/math/generators.ts';

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

test('mulberry32 and sfc32 give the numbers that their authors’ C code gives', () => {
  // gcc 12 on x64; sfc32 after 12 rounds with its counter from 1.
  assert.deepEqual(first(5, mulberry32(0)), [1144304738, 1416247, 958946056, 627933444, 2007157716]);
  assert.deepEqual(first(5, mulberry32(-1)), [3850105811, 813802916, 3073704848, 4054706436, 3630262831]);
  assert.deepEqual(first(5, mulberry32(0x9e3779b9)), [1541420728, 454851044, 2900350524, 3942498910, 436270539]);
  assert.deepEqual(first(5, sfc32(0, 0, 0)), [1363572419, 145230303, 808754475, 4216505632, 947923937]);
  assert.deepEqual(first(5, sfc32(1, 2, 3)), [1936341825, 3001364500, 1029104839, 3987121759, 92551270]);
  assert.deepEqual(
    first(5, sfc32(0x9e3779b9, 0x243f6a88, 0xb7e15162)),
    [24724473, 838574162, 2522700496, 473542192, 3964317691],
  );
});
