import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import type { Observation } from '../../../../../coordinator/tuner/observation.ts';
import { fitScales } from '../../../../../coordinator/tuner/samplers/bayesian/fit-scales.ts';
import { FittedScales } from '../../../../../coordinator/tuner/samplers/bayesian/fitted-scales.ts';
import { pointSet } from '../../../../../coordinator/tuner/samplers/bayesian/gaussian-process.ts';
import { observed, spaceOf, viewOf } from '../../../../support/observations.ts';

const random = keyedRandom(2);
const all = Array.from({ length: 130 }, (_, trialId) => {
  const point = [random.uniform(), random.uniform()];
  return observed({ trialId, point, losses: [Math.sin(7 * (point[0] as number)) + (point[1] as number)] });
});
const losses = (set: readonly Observation[]) => set.map((observation) => observation.losses[0] as number);
const choices = new Uint8Array(2);
const at = ({ point }: Observation) => point;

/** The scales after so many observations, and those of a fit to these. */
function scalesAfter(count: number, scales = new FittedScales()) {
  scales.update(viewOf(spaceOf(2), all.slice(0, count)).history, at, choices);
  return scales.of('loss', losses);
}
const fittedTo = (set: readonly Observation[]) =>
  fitScales(pointSet(set.map(at), choices), Float64Array.from(losses(set)));

test('scales are fitted to the first eight, and anew when there are a third more', () => {
  // ⌈8 · 1.35⌉ = 11, ⌈11 · 1.35⌉ = 15, 21, 29, 40, 54.
  for (const [count, used] of [
    [8, 8],
    [10, 8],
    [11, 11],
    [14, 11],
    [15, 15],
    [28, 21],
    [29, 29],
  ] as const)
    assert.deepEqual(scalesAfter(count), fittedTo(all.slice(0, used)), `after ${count}`);
});

test('no more than sixty are fitted to: of more an even choice', () => {
  // 54, 73, 99, 134: of the first 99.
  const even = Array.from({ length: 60 }, (_, i) => all[Math.floor((i * 99) / 60)] as Observation);
  assert.deepEqual(scalesAfter(130), fittedTo(even));
});

test('a fit is kept while its observations are the same, for each process', () => {
  const scales = new FittedScales();
  const first = scalesAfter(9, scales);
  assert.equal(scalesAfter(10, scales), first);
  assert.notDeepEqual(scalesAfter(11, scales), first);
  const others = scales.of('other', (set) => set.map(({ point }) => point[1] as number));
  assert.notDeepEqual(others, scales.of('loss', losses));
  assert.equal(scales.of('loss', losses), scales.of('loss', losses));
});

test('one of them that was amended makes a new fit', () => {
  const scales = new FittedScales();
  const view = viewOf(spaceOf(2), all.slice(0, 8));
  scales.update(view.history, at, choices);
  const first = scales.of('loss', losses);
  view.history.replace(all[3] as Observation, { ...(all[3] as Observation), losses: [9] });
  scales.update(view.history, at, choices);
  assert.notDeepEqual(scales.of('loss', losses), first);
});
