/** Constraints decide before objectives (Deb, "An efficient constraint handling method for genetic algorithms", 2000). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { createRanking, isEligible } from '../../../coordinator/tuner/observation.ts';
import type { Ask, Tell, TunerProblem } from '../../../coordinator/tuner/tuner.ts';
import { observed } from '../../support/observations.ts';
import { answer, problem } from '../../support/tuning.ts';

test('the feasible by their loss, before all others by how much they violate, before what failed', () => {
  const given: [trialId: number, losses: number[], violation: number][] = [
    [0, [5], 0],
    [1, [1], 0.2],
    [2, [3], 0],
    [3, [9], 0.1],
    [4, [], Infinity],
    [5, [3], 0],
    [6, [0], 0.2],
    [7, [], Infinity],
  ];
  for (const objectives of [1, 2]) {
    const ranking = createRanking(objectives);
    for (const [trialId, losses, violation] of [...given].reverse())
      ranking.add(observed({ trialId, losses: losses.flatMap((loss) => Array(objectives).fill(loss)), violation }));
    assert.deepEqual(
      ranking.top(8).map(({ trialId }) => trialId),
      [2, 5, 0, 3, 1, 6, 4, 7],
    );
    assert.deepEqual([ranking.size, ranking.feasibleSize], [8, 3]);
  }
});

test('only what was trained, and is not infinitely far from feasible, may go on', () => {
  assert.ok(isEligible(observed({ violation: 3 })));
  assert.ok(!isEligible(observed({ violation: Infinity })));
  for (const status of ['infeasible', 'failed', 'stopped'] as const) assert.ok(!isEligible(observed({ status })));
});

const constrained = (change: Partial<TunerProblem> = {}) => createTuner(problem({ maxTrials: 30, ...change }));

test('of candidates that are all predicted to be infeasible the least infeasible is tried, as it was proposed', () => {
  const seen: number[] = [];
  const predictViolation = ({ width }: Ask['candidate']) => {
    seen.push(width as number);
    return width as number;
  };
  const ask = constrained().ask({ predictViolation }) as Ask;
  assert.equal(new Set(seen).size > 10, true);
  // Twenty-four different candidates were compared.
  assert.equal(seen.length, 24);
  assert.equal(ask.candidate.width, Math.min(...seen));
  assert.notEqual(ask.proposedBy, 'enumeration');
});

test('what is not known may be feasible, and the first that is not predicted to be infeasible is tried', () => {
  let asked = 0;
  const predictViolation = () => {
    asked++;
    return asked < 3 ? 1 : null;
  };
  constrained().ask({ predictViolation });
  assert.equal(asked, 3);
});

test('a violation that was told outweighs any objective: the front holds the feasible only', () => {
  const tuner = constrained({ settings: { scheduler: 'none' } as never });
  const tell = (change: Partial<Tell>) => {
    const ask = tuner.ask() as Ask;
    tuner.tell({ ...answer(ask), status: 'ok', metrics: { accuracy: 0.9 }, violation: 0, ...change });
    return ask.trialId;
  };
  tell({ violation: 0.001, metrics: { accuracy: 1 } });
  const feasible = tell({ metrics: { accuracy: 0.2 } });
  tell({ status: 'infeasible', metrics: { accuracy: 0.8 }, violation: 0 });
  tell({ violation: Number.NaN });
  assert.deepEqual(
    tuner.front().map(({ trialId }) => trialId),
    [feasible],
  );
});
