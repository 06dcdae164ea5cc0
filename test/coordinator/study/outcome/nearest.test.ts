/** What comes nearest where nothing meets the constraints, and what is said of it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConstraint } from '@edgetune/shared/domain/objective.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { misses, nearest } from '../../../../coordinator/study/outcome/nearest.ts';
import { asked, projected, told } from '../support/events.ts';

const trial = (trialId: number, status: TrialView['status'], violation: number | null): TrialView => {
  const state = projected(asked(trialId), told(trialId));
  return { ...(state.trials.get(trialId) as TrialView), status, violation };
};

it('what violates the least comes first; what failed, was stopped, or a device cannot run at all does not come', () => {
  const order = nearest([
    trial(0, 'finished', 2),
    trial(1, 'infeasible', 0.5),
    trial(2, 'failed', 0.1),
    trial(3, 'stopped', 0.1),
    trial(4, 'infeasible', 1e6),
    trial(5, 'finished', null),
  ]);
  assert.deepEqual(
    order.map(({ trialId, candidate, metrics }) => [trialId, candidate, metrics]),
    [1, 0].map((id) => [id, { width: 1 }, { accuracy: 0.5 }]),
  );
});

it('says which limit is missed by how much, on which device, and nothing of what is kept or not known', () => {
  const spec = {
    devices: ['pi', 'orin'],
    constraints: ['latency.p99 <= 30 ms', 'accuracy >= 0.9', 'memory <= 64 MB on orin', 'energy <= 0 J on pi'].map(
      parseConstraint,
    ),
  };
  const metrics = { accuracy: 0.6, 'latency.p99@pi': 45, 'latency.p99@orin': 30, 'memory@pi': 1e9, 'energy@pi': 0.001 };
  assert.deepEqual(misses(spec, metrics), [
    'latency.p99 on pi is 45 ms, 50 % beyond the limit of 30 ms',
    'accuracy is 60 %, 33 % beyond the limit of 90 %',
    'energy on pi is 1 mJ, beyond the limit of 0 J',
  ]);
  assert.deepEqual(misses(spec, { accuracy: 0.95, 'latency.p99@pi': 1 }), []);
});
