/** The sampler proposes about where the acquisition, put together here from its parts, is largest. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import type { Observation } from '../../../../../coordinator/tuner/observation.ts';
import {
  expectedImprovement,
  feasibilityOf,
  type Places,
} from '../../../../../coordinator/tuner/samplers/bayesian/acquisition.ts';
import { BayesianSampler } from '../../../../../coordinator/tuner/samplers/bayesian/bayesian.ts';
import { FittedScales } from '../../../../../coordinator/tuner/samplers/bayesian/fitted-scales.ts';
import { GaussianProcess, pointSet } from '../../../../../coordinator/tuner/samplers/bayesian/gaussian-process.ts';
import { logPrices } from '../../../../../coordinator/tuner/samplers/bayesian/log-prices.ts';
import {
  standardised,
  standardisedViolations,
} from '../../../../../coordinator/tuner/samplers/bayesian/standardise.ts';
import type { SamplerView } from '../../../../../coordinator/tuner/samplers/sampler.ts';
import type { SpacePoint } from '../../../../../coordinator/tuner/space.ts';
import { near } from '../../../../support/near.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';

const startup = { propose: () => ({ point: [0.123], by: 'startup' }) };
const propose = (view: SamplerView, weighsTime = false, seed = 1) =>
  new BayesianSampler(startup, weighsTime).propose(view, keyedRandom(seed));

/** Eight observations at one level of a function of one number. */
const curve = (level: number, loss: (x: number) => number, change: (x: number) => Partial<Observation> = () => ({})) =>
  Array.from({ length: 8 }, (_, i) => {
    const x = (i + 0.5) / 8;
    return observed({ trialId: 10 * level + i, level, point: [x], losses: [loss(x)], ...change(x) });
  });

/** A process of some values of a history's observations, and of 0 where something is being trained. */
function processOf({ history, level: start }: SamplerView, valuesOf: (set: readonly Observation[]) => number[]) {
  const levels = history.levels.length;
  const placed = (point: SpacePoint, level: number) => (levels > 1 ? [...point, level / (levels - 1)] : point);
  const at = ({ point, level }: Observation) => placed(point, level);
  const choices = new Uint8Array(levels > 1 ? 2 : 1);
  const scales = new FittedScales();
  scales.update(history, at, choices);
  const pending = [...history.pending.values()].map((point) => placed(point, start));
  const values = [...valuesOf(history.inOrder), ...pending.map(() => 0)];
  const points = pointSet([...history.inOrder.map(at), ...pending], choices);
  return new GaussianProcess(points, Float64Array.from(values), scales.of('values', valuesOf));
}

const incumbents = ({ history }: SamplerView) => history.levels.flatMap((level) => level.top(8));

/** The place of the largest value on a fine grid. */
function largest(value: (point: number[]) => number): number {
  const grid = Array.from({ length: 2001 }, (_, i) => i / 2000);
  return grid.reduce((best, x) => (value([x]) > value([best]) ? x : best), 0);
}

const loss = (set: readonly Observation[]) => standardised(set, 0);
const nowhere = { full: undefined, start: undefined };

/** Where the improvement alone is largest. */
const plainly = (view: SamplerView, places: Places = nowhere) => {
  const gain = expectedImprovement(processOf(view, loss), incumbents(view), places);
  return largest((x) => gain(x, -Infinity));
};

describe('a proposal', () => {
  const wave = (x: number) => Math.sin(9 * x) + x;

  it('is about where the expected improvement is largest', () => {
    const view = viewOf(spaceOf(1), curve(0, wave));
    const { point, by } = propose(view);
    assert.equal(by, 'bayesian');
    near(point[0] as number, plainly(view), 0.01);
  });

  it('keeps away from what is being trained, which is taken to come out average', () => {
    const view = viewOf(spaceOf(1), curve(0, wave));
    const first = propose(view).point[0] as number;
    view.history.asked(99, [first]);
    const expected = plainly(view);
    assert.ok(Math.abs(expected - first) > 0.02, `${expected} is apart from ${first}`);
    near(propose(view).point[0] as number, expected, 0.01);
  });

  it('is for the full budget, learned from all budgets, and as uncertain as where the trial starts', () => {
    // What is good at the lowest budget is not at the next one; of the third little is known.
    const observations = [
      ...curve(0, (x) => 2 + Math.cos(5 * x)),
      ...curve(1, (x) => 1 + Math.cos(6 * x)),
      ...curve(2, (x) => Math.cos(7 * x)).slice(0, 3),
    ];
    for (const level of [0, 1]) {
      const view = viewOf(spaceOf(1), observations, { levels: 3, level });
      view.history.asked(99, [0.4]);
      near(propose(view).point[0] as number, plainly(view, { full: 1, start: level / 2 }), 0.02, `from ${level}`);
    }
  });

  // Two valleys, of which the right one is deeper.
  const valleys = (x: number) => Math.cos(4 * Math.PI * x) - 0.3 * x;

  it('is weighted by the probability of feasibility', () => {
    const violating = (x: number) => ({ violation: Math.max(0, 3 * (x - 0.5)) });
    const view = viewOf(spaceOf(1), curve(0, valleys, violating));
    const gain = expectedImprovement(processOf(view, loss), incumbents(view), nowhere);
    const chance = feasibilityOf(processOf(view, standardisedViolations), view.history.inOrder, nowhere);
    const expected = largest((x) => gain(x, -Infinity) + chance(x));
    near(propose(view).point[0] as number, expected, 0.01);
    assert.ok(expected < 0.5 && plainly(view) > 0.5, `${expected}, not ${plainly(view)}`);
  });

  it('is divided by the time that it takes, where that counts and differs', () => {
    const view = viewOf(
      spaceOf(1),
      curve(0, valleys, (x) => ({ seconds: x < 0.5 ? 1 : 60 })),
    );
    const gain = expectedImprovement(processOf(view, loss), incumbents(view), nowhere);
    const price = processOf(view, logPrices);
    const weighed = largest((x) => gain(x, -Infinity) - price.mean(x));
    near(propose(view, true).point[0] as number, weighed, 0.01);
    near(propose(view, false).point[0] as number, plainly(view), 0.01);
    assert.ok(weighed < 0.5 && plainly(view) > 0.5, `${weighed}, not ${plainly(view)}`);
    // Times that differ by a twentieth at most say nothing.
    const even = viewOf(
      spaceOf(1),
      curve(0, valleys, (x) => ({ seconds: x < 0.5 ? 1 : 1.09 })),
    );
    assert.deepEqual(propose(even, true), propose(even, false));
  });
});

test('one that was tried already is followed by one near it, ever less near; after seven something else proposes', () => {
  const observations = curve(0, (x) => (x - 0.4) ** 2);
  const distances = [1, 7].map((attempt) => {
    const moved = Array.from({ length: 30 }, (_, seed) => {
      const [first, again] = [0, attempt].map(
        (of) => propose(viewOf(spaceOf(1), observations, { attempt: of }), false, seed).point[0] as number,
      ) as [number, number];
      return Math.abs(first - again);
    });
    return moved.reduce((sum, distance) => sum + distance, 0) / moved.length;
  }) as [number, number];
  // A normal step of 0.02 an attempt, whose mean size is √(2/π) of it (less where it ends at the end of the range).
  near(distances[0], 0.02 * Math.sqrt(2 / Math.PI), 0.01);
  near(distances[1], 0.14 * Math.sqrt(2 / Math.PI), 0.04);
  assert.equal(propose(viewOf(spaceOf(1), observations, { attempt: 7 })).by, 'bayesian');
  assert.equal(propose(viewOf(spaceOf(1), observations, { attempt: 8 })).by, 'startup');
});

test('a model needs eight observations, two of them feasible at one level', () => {
  const by = (observations: readonly Observation[], levels = 2) =>
    propose(viewOf(spaceOf(1), observations, { levels })).by;
  const good = curve(0, (x) => x);
  assert.equal(by(good), 'bayesian');
  assert.equal(by(good.slice(1)), 'startup');
  const violating = good.map((each, i) => ({ ...each, violation: i === 0 ? 0 : 1 }));
  assert.equal(by(violating), 'startup');
  assert.equal(by(good.map((each, i) => ({ ...each, violation: i < 2 ? 0 : 1 }))), 'bayesian');
  assert.equal(by(good.map((each, i) => ({ ...each, level: i === 1 ? 1 : 0, violation: i < 2 ? 0 : 1 }))), 'startup');
});

test('a model is kept until something is learned, or a trial starts elsewhere', () => {
  const sampler = new BayesianSampler(startup, false);
  const observations = [...curve(0, (x) => (x - 0.2) ** 2), ...curve(1, (x) => (x - 0.9) ** 2)];
  const view = viewOf(spaceOf(1), observations, { levels: 2 });
  const propose = (of: SamplerView) => sampler.propose(of, keyedRandom(3)).point[0] as number;
  const fresh = (of: SamplerView) => new BayesianSampler(startup, false).propose(of, keyedRandom(3)).point[0] as number;
  assert.equal(propose(view), fresh(view));
  assert.equal(propose({ ...view, level: 1 }), fresh({ ...view, level: 1 }));
  assert.equal(propose(view), fresh(view));
  view.history.add(observed({ trialId: 77, level: 1, point: [0.7], losses: [-5] }));
  assert.equal(propose({ ...view, level: 1 }), fresh({ ...view, level: 1 }));
});

test('with two objectives proposals come to lie along the front', () => {
  // The front is where x lies between 0.3 and 0.7, and y is 0.
  const told = (point: readonly number[], trialId: number) => {
    const [x, y] = point as [number, number];
    return observed({ trialId, point, losses: [(x - 0.3) ** 2 + y, (x - 0.7) ** 2 + y] });
  };
  const first = Array.from({ length: 12 }, (_, i) => told([(i % 4) / 3, Math.floor(i / 4) / 2], i));
  const view = viewOf(spaceOf(2), first);
  const points = Array.from({ length: 10 }, (_, i) => {
    const { point } = propose(view, false, i);
    view.history.add(told(point, 12 + i));
    return point as [number, number];
  });
  const onFront = points.filter(([x, y]) => x > 0.28 && x < 0.72 && y < 0.02).map(([x]) => x);
  assert.ok(onFront.length >= 7, JSON.stringify(points));
  assert.ok(Math.max(...onFront) - Math.min(...onFront) > 0.3, `spread: ${onFront}`);
});
