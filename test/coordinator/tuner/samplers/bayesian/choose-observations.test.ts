import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chosenObservations } from '../../../../../coordinator/tuner/samplers/bayesian/choose-observations.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';

/** So many observations at each level, from the lowest; their losses are 0, 1, 2, … within each. */
const historyOf = (...counts: number[]) =>
  viewOf(
    spaceOf(1),
    counts.flatMap((count, level) =>
      Array.from({ length: count }, (_, i) => observed({ trialId: 1000 * level + i, level, losses: [i] })),
    ),
    { levels: counts.length },
  ).history;

const chosen = (most: number, ...counts: number[]) =>
  chosenObservations(historyOf(...counts), most).map(({ level, losses }) => `${level}:${losses[0]}`);

test('all of them where there is room', () => {
  assert.deepEqual(chosen(9, 2, 0, 3).sort(), ['0:0', '0:1', '2:0', '2:1', '2:2']);
});

test('of a level the best half of its room, and an even choice of the rest', () => {
  // Room for six of twelve: three best, then every third of the other nine.
  assert.deepEqual(chosen(6, 12), ['0:0', '0:1', '0:2', '0:3', '0:6', '0:9']);
  assert.deepEqual(chosen(5, 12), ['0:0', '0:1', '0:2', '0:3', '0:7']);
});

test('the highest level has half of the room at least, and what the levels below cannot fill', () => {
  const perLevel = (most: number, ...counts: number[]) => {
    const all = chosen(most, ...counts);
    return counts.map((_, level) => all.filter((name) => name.startsWith(`${level}:`)).length);
  };
  assert.deepEqual(perLevel(10, 20, 20), [5, 5]);
  assert.deepEqual(perLevel(10, 2, 20), [2, 8]);
  assert.deepEqual(perLevel(10, 20, 2), [8, 2]);
  assert.deepEqual(perLevel(11, 20, 20, 20), [2, 3, 6]);
  assert.deepEqual(perLevel(12, 1, 20, 3), [1, 8, 3]);
});

test('never more than there is room for, never one twice, as many as possible', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }),
      (most, counts) => {
        const all = chosen(most, ...counts);
        assert.equal(
          all.length,
          Math.min(
            most,
            counts.reduce((a, b) => a + b, 0),
          ),
        );
        assert.equal(new Set(all).size, all.length);
      },
    ),
  );
});
