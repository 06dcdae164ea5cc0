import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Nsga2Sampler } from '../../../../../coordinator/tuner/samplers/evolution/nsga2.ts';
import { near } from '../../../../support/near.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';

const sampler = new Nsga2Sampler({ propose: () => ({ point: [], by: 'startup' }) });

/** As many observations as there are points, in order of merit. */
const population = (points: readonly (readonly number[])[], level = 0) =>
  points.map((point, i) => observed({ trialId: i, level, losses: [i], point }));

const twenty = (point: (index: number) => number[]) => population(Array.from({ length: 20 }, (_, i) => point(i)));

/** A number for which `below(20)` answers this. */
const pick = (index: number, count = 20) => (index + 0.5) / count;

test('parents are the better of two; with no crossover and no mutation the child is the first', () => {
  const view = viewOf(
    spaceOf(2),
    twenty((i) => [i / 20, i / 40]),
  );
  // Tournaments 7 against 12 and 15 against 3; no crossover; neither coordinate mutates.
  const random = scriptedRandom([pick(7), pick(12), pick(15), pick(3), 0.9, 0.5, 0.5]);
  assert.deepEqual(sampler.propose(view, random), { point: [7 / 20, 7 / 40], by: 'nsga2' });
  assert.deepEqual(random.left, []);
});

test('crossover takes a coordinate from between or around the parents, mutation moves it', () => {
  const view = viewOf(
    spaceOf(2),
    twenty((i) => [i / 20, i / 20]),
  );
  const parents = [pick(4), pick(9), pick(12), pick(19)];
  // Each coordinate mutates with probability ½, and is crossed with probability ½. β = 1 at u = ½: the parents themselves.
  const crossing = [0.89, ...[0.5, 0.49, 0.5, 0.49], ...[0.5, 0.49, 0.5, 0.5]];
  const child = sampler.propose(view, scriptedRandom([...parents, ...crossing])).point;
  near(child[0] as number, 0.2);
  near(child[1] as number, 0.6);
  // A mutation of u = 0.25: (½)^(1/21) − 1.
  const mutating = [0.89, ...[0.49, 0.5, 0.25], ...[0.5, 0.5]];
  const mutant = sampler.propose(view, scriptedRandom([...parents, ...mutating])).point;
  near(mutant[0] as number, 0.2 + 0.5 ** (1 / 21) - 1);
  near(mutant[1] as number, 0.2);
});

test('a choice is of either parent, or any where it mutates', () => {
  const view = viewOf(
    spaceOf(0, 30, 30),
    twenty((i) => [i, i]),
  );
  const parents = [pick(2), pick(2), pick(11), pick(11)];
  const of = (...numbers: number[]) => sampler.propose(view, scriptedRandom([...parents, ...numbers])).point;
  assert.deepEqual(of(0.1, ...[0.5, 0.49], ...[0.5, 0.5]), [11, 2]);
  assert.deepEqual(of(0.9, 0.5, 0.5), [2, 2]);
  assert.deepEqual(of(0.9, 0.49, pick(25, 30), 0.5), [25, 2]);
});

test('a coordinate that is inactive in a parent is drawn', () => {
  const view = viewOf(
    spaceOf(1, 5),
    twenty((i) => (i === 3 ? [Number.NaN, Number.NaN] : [i / 20, 1])),
  );
  // Both parents are number 3; per coordinate its two values are drawn first.
  const parents = [pick(3), pick(3), pick(3), pick(3)];
  const random = scriptedRandom([...parents, 0.95, ...[0.31, 0.62, 0.9], ...[pick(4, 5), pick(1, 5), 0.9]]);
  assert.deepEqual(sampler.propose(view, random).point, [0.31, 4]);
});

test('later attempts mutate more', () => {
  const observations = twenty((i) => [i / 20, i / 20, i / 20, i / 20]);
  const proposed = (attempt: number, numbers: number[]) => {
    const random = scriptedRandom([pick(9), pick(9), pick(9), pick(9), 0.95, ...numbers]);
    const { point } = sampler.propose(viewOf(spaceOf(4), observations, { attempt }), random);
    assert.deepEqual(random.left, []);
    return point.filter((x) => x !== 9 / 20).length;
  };
  // No crossover; a coordinate mutates where its first number is below its rate of ½, or ¾.
  assert.equal(proposed(1, [0.6, 0.6, 0.5, 0.49, 0.25]), 1);
  assert.equal(proposed(2, [0.6, 0.25, 0.6, 0.25, 0.6, 0.25, 0.6, 0.25]), 4);
});

test('until twenty observations are at one level something else proposes; the population are the fifty best of the highest', () => {
  const nineteen = population(Array.from({ length: 19 }, () => [0.5]));
  assert.equal(sampler.propose(viewOf(spaceOf(1), nineteen), scriptedRandom([])).by, 'startup');
  const low = population(
    Array.from({ length: 60 }, () => [0.1]),
    0,
  );
  const high = population(
    Array.from({ length: 60 }, (_, i) => [i / 60]),
    1,
  );
  const view = viewOf(spaceOf(1), [...low, ...high], { levels: 3 });
  // The last of fifty, four times. One dimension always mutates; u = ½ leaves it where it is.
  const last = pick(49, 50);
  const random = scriptedRandom([last, last, last, last, 0.95, 0.999, 0.5]);
  assert.deepEqual(sampler.propose(view, random).point, [49 / 60]);
});
