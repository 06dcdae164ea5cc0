import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRanking, type Observation } from '../../../coordinator/tuner/observation.ts';
import { nonDominatedRanks } from '../../../coordinator/tuner/pareto.ts';

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
          predicted: [],
          status: 'ok',
          cost: 1,
          seconds: 1,
        } satisfies Observation,
      })),
    );

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
