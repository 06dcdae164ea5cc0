import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sizedSignature, sizesIn } from '../../../coordinator/inference/sized-signature.ts';

test('plain names are written as they are, in order', () => {
  assert.equal(sizedSignature('abc', { tokens: 16, height: 8 }), 'abc;height=8;tokens=16');
  assert.equal(sizedSignature('abc', {}), 'abc');
  assert.deepEqual(sizesIn('abc'), {});
});

test('any names come back, and other sizes are another signature', () => {
  const sizes = fc.dictionary(
    fc
      .oneof(fc.string(), fc.constantFrom('a;b', 'a=1', '%3B', '100%', ';=', 'seq%len'))
      .filter((name) => name !== '__proto__'),
    fc.integer({ min: 1, max: 4096 }),
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(sizes, sizes, (one, other) => {
      assert.deepEqual(sizesIn(sizedSignature('abc', one)), one);
      const isSame = sizedSignature('abc', one) === sizedSignature('abc', other);
      assert.equal(isSame, JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort()));
    }),
  );
});
