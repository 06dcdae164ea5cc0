/** What holds for every sampler: valid points, and model-based ones learn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../../coordinator/tuner/create-tuner.ts';
import { SAMPLERS } from '../../../../coordinator/tuner/samplers/all.ts';
import { candidateIssues } from '../../../../coordinator/tuner/validate-space.ts';
import { answer, asksOf, drive, MIXED, problem } from '../../../support/tuning.ts';

const samplers = SAMPLERS.map(({ name }) => name);
/** All others look at what was observed. */
const UNGUIDED = ['random', 'quasi-random', 'grid'];

for (const sampler of samplers) {
  test(`${sampler}: every candidate lies in the mixed, conditional space`, () => {
    const tuner = createTuner(problem({ maxTrials: 60, settings: { sampler, scheduler: 'none' } }));
    for (const { candidate } of asksOf(drive(tuner, 3, 1))) {
      assert.deepEqual(candidateIssues(MIXED, candidate), []);
      assert.equal('momentum' in candidate, candidate.optimizer === 'sgd');
    }
  });
}

for (const sampler of samplers.filter((name) => !UNGUIDED.includes(name))) {
  test(`${sampler}: its later candidates are better than random ones`, () => {
    const later = (name: string) => {
      const settings = { sampler: name, scheduler: 'none', seed: 5 };
      const asks = asksOf(drive(createTuner(problem({ maxTrials: 90, settings })), 1, 0));
      const accuracies = asks.slice(-30).map((ask) => answer({ ...ask, trialId: 0, rung: 0 }).metrics.accuracy ?? 0);
      return accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length;
    };
    assert.ok(later(sampler) > later('random') + 0.05);
  });
}

test('quasi-random points cover each dimension more evenly than random ones', () => {
  const space = [
    { name: 'x', level: 'model' as const, type: 'float' as const, min: 0, max: 1, scale: 'linear' as const },
  ];
  const largestGap = (sampler: 'random' | 'quasi-random') => {
    const tuner = createTuner(problem({ parameters: space, maxTrials: 64, settings: { sampler, scheduler: 'none' } }));
    const values = asksOf(drive(tuner, 1, 0))
      .map(({ candidate }) => candidate.x as number)
      .sort((a, b) => a - b);
    return Math.max(...values.slice(1).map((value, i) => value - (values[i] as number)));
  };
  assert.ok(largestGap('quasi-random') < 0.035);
  assert.ok(largestGap('random') > 0.035);
});

test('the grid is complete when the trials suffice', () => {
  const parameters = [
    { name: 'x', level: 'model' as const, type: 'float' as const, min: 0, max: 1, scale: 'linear' as const },
    { name: 'k', level: 'model' as const, type: 'categorical' as const, choices: ['a', 'b', 'c'] },
  ];
  const tuner = createTuner(problem({ parameters, maxTrials: 16, settings: { sampler: 'grid', scheduler: 'none' } }));
  const asks = asksOf(
    drive(tuner, 1, 0, (ask) => ({ ...answer({ ...ask, candidate: { depth: 1, width: 8, rate: 0.1 } }) })),
  );
  const grid = new Set(asks.slice(0, 15).map(({ candidate }) => `${candidate.x}${candidate.k}`));
  assert.equal(grid.size, 15);
  assert.deepEqual([...new Set(asks.slice(0, 15).map(({ candidate }) => candidate.x))].sort(), [0, 0.25, 0.5, 0.75, 1]);
});
