/** When a model is better than always answering the largest class. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Chance, chanceOf, whyNoBetter } from '../../../../coordinator/study/outcome/above-chance.ts';

const chance = (samples: number, largest: number): Chance => ({ samples, largest: { name: 'cat', samples: largest } });

const ofValidation = (validation: number[]) => ({ train: [], validation, test: [] });

test('chance is the share of the largest class of the validation split', () => {
  const classes = ['cat', 'dog', 'owl'];
  assert.deepEqual(chanceOf({ classes, samplesByClass: ofValidation([10, 25, 5]) }), {
    ...{ samples: 40, largest: { name: 'dog', samples: 25 } },
  });
  assert.deepEqual(chanceOf({ classes, samplesByClass: ofValidation([]) }), null);
  assert.deepEqual(chanceOf({ classes, samplesByClass: ofValidation([0, 0, 0]) }), null);
});

test('a tenth of 1,000 is passed by 117 and not by 116: probabilities of 4.33 and 5.35 %', () => {
  assert.equal(whyNoBetter(0.117, chance(1000, 100)), null);
  assert.equal(
    whyNoBetter(0.116, chance(1000, 100)),
    'its validation accuracy of 11.6 % (116 of 1000) is not above the 10 % (100 of 1000) that always answering "cat" reaches, at 95 % for that many samples (one-sided exact binomial test, p = 0.053)',
  );
});

test('few samples prove little: 9 of 10 beat a half, 8 of 10 do not', () => {
  assert.deepEqual([whyNoBetter(0.9, chance(10, 5)), whyNoBetter(0.8, chance(10, 5)) === null], [null, false]);
});

test('always answering one class is never better, and a better model stays so with more right answers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.nat(2000), fc.nat(2000), (samples, a, b) => {
      const largest = 1 + (a % samples);
      const right = b % (samples + 1);
      const isBetter = (count: number) => whyNoBetter(count / samples, chance(samples, largest)) === null;
      assert.equal(isBetter(largest), false);
      if (right < largest) assert.equal(isBetter(right), false);
      if (right < samples && isBetter(right)) assert.ok(isBetter(right + 1));
    }),
  );
});
