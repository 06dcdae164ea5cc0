/** TPE and BOHB propose, of so many samples, the one whose density among the good is largest against the bad. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { keyedRandom, type Random } from '@edgetune/shared/math/random.ts';
import type { Observation } from '../../../../../coordinator/tuner/observation.ts';
import { normalReferenceWidths, scottWidths } from '../../../../../coordinator/tuner/samplers/parzen/bandwidths.ts';
import { BohbSampler } from '../../../../../coordinator/tuner/samplers/parzen/bohb.ts';
import { ParzenMixture } from '../../../../../coordinator/tuner/samplers/parzen/parzen.ts';
import { TpeSampler } from '../../../../../coordinator/tuner/samplers/parzen/tpe.ts';
import type { SpacePoint } from '../../../../../coordinator/tuner/space.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';

const space = spaceOf(1, 3);
const startup = { propose: () => ({ point: [0.5, 0], by: 'startup' }) };

/** So many observations in order of merit. */
const ranked = (count: number): Observation[] =>
  Array.from({ length: count }, (_, i) =>
    observed({ trialId: i, losses: [i], point: [(0.37 * i + 0.11) % 1, (i * 7) % 3] }),
  );
const pointsOf = (observations: readonly Observation[]) => observations.map(({ point }) => point);

/** Of so many samples the one of the largest ratio; ties and all: the first. */
function bestOf(count: number, random: Random, from: ParzenMixture, good: ParzenMixture, bad: ParzenMixture) {
  const samples = Array.from({ length: count }, () => from.sample(random));
  const ratio = (point: SpacePoint) => good.logDensity(point) - bad.logDensity(point);
  return samples.reduce((best, point) => (ratio(point) > ratio(best) ? point : best));
}

describe('TPE', () => {
  const mixture = (points: readonly SpacePoint[]) =>
    new ParzenMixture(space, {
      points,
      weights: points.map(() => 1),
      priorWeight: 1,
      widths: scottWidths(space, points.length),
    });

  it('takes the best tenth, rounded up, for good, and twenty-four samples of them', () => {
    const observations = ranked(31);
    for (const [attempt, candidates] of [
      [0, 24],
      [1, 12],
      [5, 1],
    ] as const) {
      const [good, bad] = [mixture(pointsOf(observations.slice(0, 4))), mixture(pointsOf(observations.slice(4)))];
      const { point, by } = new TpeSampler('tpe', startup).propose(
        viewOf(space, observations, { attempt }),
        keyedRandom(3),
      );
      assert.deepEqual(point, bestOf(candidates, keyedRandom(3), good, good, bad));
      assert.equal(by, 'tpe');
    }
  });

  it('begins with ten observations at one level; a space that is nearly used up is searched at random', () => {
    const by = (count: number, attempt = 0) =>
      new TpeSampler('motpe', startup).propose(viewOf(space, ranked(count), { attempt }), keyedRandom(1)).by;
    assert.deepEqual([by(9), by(10), by(10, 15), by(10, 16)], ['startup', 'motpe', 'motpe', 'random']);
  });

  it('learns from what is told', () => {
    const sampler = new TpeSampler('tpe', startup);
    const view = viewOf(space, ranked(20));
    sampler.propose(view, keyedRandom(4));
    view.history.add(observed({ trialId: 77, losses: [-1], point: [0.93, 2] }));
    const fresh = new TpeSampler('tpe', startup).propose(view, keyedRandom(4));
    assert.deepEqual(sampler.propose(view, keyedRandom(4)), fresh);
  });
});

describe('BOHB', () => {
  const mixture = (points: readonly SpacePoint[], widths: readonly number[]) =>
    new ParzenMixture(space, { points, weights: points.map(() => 1), priorWeight: 0, widths });

  it('takes sixty-four samples with three times the bandwidth around the best 15 %, or one more than dimensions', () => {
    for (const [count, best] of [
      [30, 4],
      [12, 3],
    ] as const) {
      const observations = ranked(count);
      const [good, bad] = [pointsOf(observations.slice(0, best)), pointsOf(observations.slice(best))];
      const widths = normalReferenceWidths(space, good);
      const wide = mixture(good, [3 * (widths[0] as number), widths[1] as number]);
      const [narrow, others] = [mixture(good, widths), mixture(bad, normalReferenceWidths(space, bad))];
      // A seed whose first number, which decides about chance, is above a third.
      for (const attempt of [0, 2]) {
        const [random, same] = [keyedRandom(5), keyedRandom(5)];
        assert.ok(same.uniform() > 1 / 3, 'no chance');
        const { point, by } = new BohbSampler().propose(viewOf(space, observations, { attempt }), random);
        assert.equal(by, 'bohb');
        assert.deepEqual(point, bestOf(64 >> attempt, same, wide, narrow, others));
      }
    }
  });

  it('leaves a third to chance, and all until both densities have points, or after eight attempts', () => {
    const by = (count: number, seed: number, attempt = 0) =>
      new BohbSampler().propose(viewOf(space, ranked(count), { attempt }), keyedRandom(seed)).by;
    const names = Array.from({ length: 300 }, (_, seed) => by(20, seed));
    const chance = names.filter((name) => name === 'random').length;
    assert.ok(chance > 75 && chance < 125, `${chance} of 300`);
    // Two dimensions: three good ones and two more.
    assert.deepEqual([by(4, 5), by(5, 5), by(20, 5, 7), by(20, 5, 8)], ['random', 'bohb', 'bohb', 'random']);
  });
});

test('what is being trained counts as bad', () => {
  const view = viewOf(space, ranked(20));
  const point = new TpeSampler('tpe', startup).propose(view, keyedRandom(6)).point;
  view.history.asked(99, space.snapped(point));
  for (let i = 0; i < 8; i++) view.history.asked(100 + i, space.snapped(point));
  assert.notDeepEqual(new TpeSampler('tpe', startup).propose(view, keyedRandom(6)).point, point);
});
