import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DehbSampler } from '../../../../../coordinator/tuner/samplers/evolution/dehb.ts';
import { near } from '../../../../support/near.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';
import { scriptedRandom } from '../../../../support/scripted-random.ts';
import { reference } from '../../fixtures/reference.ts';

const startup = { propose: () => ({ point: [], by: 'startup' }) };
const sampler = new DehbSampler(startup);

/** Ten observations in order of merit, of which the first have these points. */
const population = (points: readonly (readonly number[])[], count = 10) =>
  Array.from({ length: count }, (_, i) =>
    observed({ trialId: i, losses: [i], point: points[i] ?? points[0]?.map(() => 0.5) ?? [] }),
  );

/** Numbers for which `below(count)` answers these. */
const picks = (...of: [pick: number, count: number][]) => of.map(([pick, count]) => (pick + 0.5) / count);

for (const { target, a, b, c, crossing, repairing, child } of reference.differential.rows)
  test(`mutation, crossover and repair give the child that DEHB gives: ${child}`, () => {
    // Started so many that the turn is the target's; then members 1, 2 and 3; the first dimension is always crossed.
    const view = viewOf(spaceOf(3), population([target, a, b, c]), { started: 20 });
    const chosen = picks([1, 10], [0, 9], [3, 10], [0, 3]);
    // Dimension by dimension: whether it is crossed (where that is open), and its repair where it has left the range.
    const isOutside = (at: number) => crossingOf(at) && outside(at);
    const crossingOf = (at: number) => at === 0 || (crossing[at] as number) < 0.5;
    const outside = (at: number) => {
      const mutant = (a[at] as number) + 0.5 * ((b[at] as number) - (c[at] as number));
      return mutant < 0 || mutant > 1;
    };
    const repairs = [...repairing];
    const drawn = [0, 1, 2].flatMap((at) => [
      ...(at === 0 ? [] : [crossing[at] as number]),
      ...(isOutside(at) ? [repairs.shift() as number] : []),
    ]);
    const random = scriptedRandom([...chosen, ...drawn]);
    const { point, by } = sampler.propose(view, random);
    assert.equal(by, 'dehb');
    for (const [at, x] of point.entries()) near(x, child[at] as number, 1e-14);
    assert.deepEqual(random.left, []);
  });

test('each member of the population has its turn, and the three parents differ', () => {
  const points = Array.from({ length: 10 }, (_, i) => [i / 10]);
  const space = spaceOf(2);
  const two = points.map(([x]) => [x as number, x as number]);
  for (const [started, target] of [
    [10, 0],
    [13, 3],
    [19, 9],
  ] as const) {
    // Parents 4, 5, and 4 again, which becomes 6; only dimension 1 is crossed.
    const random = scriptedRandom([...picks([4, 10], [0, 9], [4, 10], [1, 2]), 0.5]);
    const { point } = sampler.propose(viewOf(space, population(two), { started }), random);
    near(point[0] as number, target / 10);
    near(point[1] as number, 0.4 + 0.5 * (0.5 - 0.6));
  }
  // From the last index on they go round: 9, then 9 + 1 + 0 = 0, then 9 again, which becomes 1.
  const random = scriptedRandom([...picks([9, 10], [0, 9], [9, 10], [1, 2]), 0.5]);
  near(sampler.propose(viewOf(space, population(two)), random).point[1] as number, 0.9 + 0.5 * (0 - 0.1));
});

test('choices evolve at the middle of their share and are rounded; what is inactive is drawn', () => {
  const space = spaceOf(0, 4);
  const points = [[0], [3], [1], [2]];
  // (3 + ½)/4 + ½ (1 − 2)/4 = 0.75: choice 3.
  const random = scriptedRandom(picks([1, 10], [0, 9], [3, 10], [0, 1]));
  assert.deepEqual(sampler.propose(viewOf(space, population(points)), random).point, [3]);
  // The second parent is inactive and drawn at 0.1: 0.875 + ½ (0.1 − 0.625) = 0.6125: choice 2.
  const inactive = population([[0], [3], [Number.NaN], [2]]);
  const drawing = scriptedRandom([...picks([1, 10], [0, 9], [3, 10], [0, 1]), 0.1]);
  assert.deepEqual(sampler.propose(viewOf(space, inactive), drawing).point, [2]);
  // A mutant of exactly 1 is the last choice: 0.875 + ½ (0.875 − 0.625).
  const edge = population([[0], [3], [3], [2]]);
  const last = scriptedRandom(picks([1, 10], [0, 9], [3, 10], [0, 1]));
  assert.deepEqual(sampler.propose(viewOf(space, edge), last).point, [3]);
});

test('until ten observations are at one level, and after eight attempts, something else proposes', () => {
  const of = (count: number, attempt: number) =>
    sampler.propose(
      viewOf(spaceOf(1), population([[0.5]], count), { attempt }),
      scriptedRandom([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
    ).by;
  assert.deepEqual([of(9, 0), of(10, 0), of(10, 7), of(10, 8)], ['startup', 'dehb', 'dehb', 'startup']);
});

test('the population is the twenty best of the highest level that has ten', () => {
  const low = population([[0.5]], 30).map((each) => ({ ...each, level: 0 }));
  const high = Array.from({ length: 30 }, (_, i) =>
    observed({ trialId: i, level: 1, losses: [30 - i], point: [i / 30] }),
  );
  // The best is the last; number 19 in order of merit is index 10; the target is number 30 % 20 = 10, index 19.
  const view = viewOf(
    spaceOf(2),
    [...low, ...high].map((each) => ({ ...each, point: [each.point[0], each.point[0]] as number[] })),
    { levels: 3, started: 30 },
  );
  const { point } = sampler.propose(view, scriptedRandom([...picks([19, 20], [19 - 1, 19], [5, 20], [1, 2]), 0.5]));
  near(point[0] as number, 19 / 30);
  near(point[1] as number, 10 / 30 + 0.5 * (11 / 30 - 24 / 30));
});
