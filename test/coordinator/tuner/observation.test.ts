import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paretoFront } from '@edgetune/shared/domain/dominance.ts';
import fc from 'fast-check';
import { createRanking, type Observation } from '../../../coordinator/tuner/observation.ts';
import { observed } from '../../support/observations.ts';

const observations = (objectives: number) =>
  fc
    .array(
      fc.record({
        losses: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: objectives, maxLength: objectives }),
        violation: fc.constantFrom(0, 0, 0, 1, 2, Infinity),
        removed: fc.boolean(),
      }),
      { maxLength: 40 },
    )
    .map((list) =>
      list.map(({ removed, ...rest }, trialId) => ({
        removed,
        observation: {
          ...rest,
          trialId,
          level: 0,
          point: [],
          metrics: {},
          pending: [],
          predicted: [],
          status: 'ok',
          cost: 1,
          seconds: 1,
        } satisfies Observation,
      })),
    );

/** Non-domination rank of each point: 0 on the front, 1 on the front of the rest, and so on. */
function nonDominatedRanks(points: readonly (readonly number[])[]): number[] {
  const ranks = new Array<number>(points.length).fill(0);
  let rest = points.map((_, index) => index);
  for (let rank = 0; rest.length > 0; rank++) {
    const front = new Set(paretoFront(rest.map((index) => points[index] as number[])).map((at) => rest[at] as number));
    for (const index of front) ranks[index] = rank;
    rest = rest.filter((index) => !front.has(index));
  }
  return ranks;
}

test('a ranking kept up to date one by one is ordered by feasibility, rank, and violation', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3).chain((n) => fc.tuple(fc.constant(n), observations(n))),
      ([objectives, list]) => {
        const ranking = createRanking(objectives);
        for (const { observation } of list) ranking.add(observation);
        for (const { observation, removed } of list) if (removed) ranking.remove(observation);
        const kept: Observation[] = list.filter(({ removed }) => !removed).map(({ observation }) => observation);
        const feasible: Observation[] = kept.filter(({ violation }) => violation === 0);
        const ranks = new Map(
          nonDominatedRanks(feasible.map(({ losses }) => losses)).map((rank, i) => [feasible[i], rank]),
        );
        const key = (observation: Observation) => [observation.violation, ranks.get(observation) ?? 0];
        for (const ordered of [ranking.all(), ranking.top(kept.length)]) {
          assert.equal(new Set(ordered).size, kept.length);
          for (const [index, observation] of ordered.slice(1).entries()) {
            const [before, after] = [key(ordered[index] as Observation), key(observation)];
            assert.ok(
              (before[0] as number) < (after[0] as number) ||
                (before[0] === after[0] && (before[1] as number) <= (after[1] as number)),
            );
          }
        }
        assert.equal(ranking.size, kept.length);
        assert.equal(ranking.feasibleSize, feasible.length);
        assert.deepEqual(
          new Set(ranking.front()),
          new Set(feasible.filter((observation) => ranks.get(observation) === 0)),
        );
      },
    ),
  );
});

/** Trials in order of merit, of these losses. */
const ordered = (losses: readonly number[][], count = losses.length) => {
  const ranking = createRanking(losses[0]?.length ?? 1);
  for (const [trialId, each] of losses.entries()) ranking.add(observed({ trialId, losses: each }));
  return ranking.top(count).map(({ trialId }) => trialId);
};

test('within a front the largest contribution to the hypervolume comes first, ties by trial', () => {
  // The reference is (4.4, 4.25): alone they have 1 · 0.25, 1 · 1, 2 · 1 and 0.4 · 0.5.
  assert.deepEqual(
    ordered([
      [0, 4],
      [1, 3],
      [2, 2],
      [4, 1.5],
    ]),
    [2, 1, 0, 3],
  );
  assert.deepEqual(
    ordered(
      [
        [1, 1],
        [1, 1],
        [0, 2],
      ],
      2,
    ),
    [2, 0],
  );
});

test('the second front comes after all of the first', () => {
  assert.deepEqual(
    ordered([
      [3, 3],
      [1, 2],
      [2, 1],
      [2, 3],
    ]),
    [1, 2, 3, 0],
  );
});

test('large fronts of three objectives are spread out: the best of the first objective, then always the farthest', () => {
  // Forty-nine on a line whose ends are at trials 0 and 48; the first objective is best at 48.
  const line = Array.from({ length: 49 }, (_, i) => [48 - i, i, 5]);
  assert.deepEqual(
    ordered(line, 5).sort((a, b) => a - b),
    [0, 12, 24, 36, 48],
  );
  assert.deepEqual(ordered(line, 3), [48, 0, 24]);
  assert.equal(new Set(ordered(line)).size, 49);
  // Each objective counts by its range: what differs in thousands is no farther than what differs in ones.
  const scaled = line.map(([a, b], i) => [a as number, b as number, i === 20 ? 7000 : 5000]);
  assert.deepEqual(ordered(scaled, 3), [48, 0, 20]);
});

test('what is not in a ranking cannot be taken out of it', () => {
  for (const objectives of [1, 2]) {
    const ranking = createRanking(objectives);
    const losses = new Array<number>(objectives).fill(1);
    ranking.add(observed({ losses }));
    ranking.add(observed({ losses, violation: 1 }));
    const refused = { name: 'RangeError', message: 'trial 7 is not in this ranking' };
    for (const violation of [0, 1])
      assert.throws(() => ranking.remove(observed({ trialId: 7, losses, violation })), refused);
    assert.deepEqual([ranking.size, ranking.feasibleSize], [2, 1]);
  }
});

test('the same trial at two levels is two observations; the lower one comes first where they tie', () => {
  for (const [objectives, violation] of [
    [1, 0],
    [2, 0],
    [1, 3],
    [2, 3],
  ] as const) {
    const ranking = createRanking(objectives);
    const losses = new Array<number>(objectives).fill(1);
    const [low, high] = [observed({ losses, violation, level: 0 }), observed({ losses, violation, level: 1 })];
    ranking.add(high);
    ranking.add(low);
    assert.deepEqual(ranking.top(2), [low, high]);
    ranking.remove(low);
    assert.deepEqual(ranking.top(2), [high]);
    ranking.add(low);
    ranking.remove(high);
    ranking.add(high);
    assert.deepEqual(ranking.top(2), [low, high]);
  }
});

test('top answers anew after each change', () => {
  const ranking = createRanking(2);
  ranking.add(observed({ trialId: 0, losses: [2, 2] }));
  const before = ranking.top(1);
  assert.equal(ranking.top(1), before);
  const better = observed({ trialId: 1, losses: [1, 1] });
  ranking.add(better);
  assert.deepEqual(ranking.top(1), [better]);
  assert.equal(ranking.top(2).length, 2);
  ranking.remove(better);
  assert.deepEqual(ranking.top(1), before);
});
