/** Which trials are marked as the Pareto front. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { frontTrialIds } from '../../../../coordinator/study/state/trial-front.ts';
import { asked, projected, told } from '../support/events.ts';

const spec = { objectives: ['maximize accuracy', 'minimize macs'].map(parseObjective), devices: ['pi'] };
const view = (trialId: number, accuracy: number, macs: number, change: Partial<TrialView> = {}): TrialView => ({
  ...(projected(asked(trialId), told(trialId, { accuracy, macs })).trials.get(trialId) as TrialView),
  ...change,
});

test('feasible trials that no other feasible one dominates, whether they train on or not', () => {
  const trials = [
    view(1, 0.5, 10),
    view(2, 0.6, 20),
    view(3, 0.5, 11),
    view(4, 0.55, 15, { status: 'paused' }),
    view(5, 0.7, 30, { status: 'stopped' }),
  ];
  assert.deepEqual(frontTrialIds(spec, trials).sort(), [1, 2, 4, 5]);
});

test('none that violates a constraint, was given up or failed, and none of which an objective is not known', () => {
  const best = [0.9, 1] as const;
  const trials = [
    view(1, 0.5, 10),
    view(2, ...best, { violation: 0.1 }),
    view(3, ...best, { violation: null }),
    view(4, ...best, { status: 'infeasible' }),
    view(5, ...best, { status: 'failed' }),
    view(6, ...best, { metrics: { accuracy: 0.9 } }),
  ];
  assert.deepEqual(frontTrialIds(spec, trials), [1]);
  assert.deepEqual(frontTrialIds(spec, trials.slice(1)), []);
});
