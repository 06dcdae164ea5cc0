import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import { searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import type { TrialView } from '@edgetune/shared/protocol/http.ts';
import { searchInsight, type ToldRung } from '../../../../coordinator/study/state/search-insight.ts';

const SPEC = {
  objectives: ['maximize accuracy', 'minimize latency'].map(parseObjective),
  devices: ['pi'],
  space: searchSpaceSchema.parse({
    model: { width: { type: 'float', min: 0, max: 1 }, idle: { type: 'float', min: 0, max: 1 } },
  }),
};

const told = (trialId: number, accuracy: number, latency: number, change: Partial<ToldRung> = {}): ToldRung => ({
  trialId,
  rung: 0,
  at: `2026-01-01T00:00:${String(trialId).padStart(2, '0')}.000Z`,
  status: 'ok',
  metrics: { accuracy, 'latency.p50@pi': latency },
  violation: 0,
  ...change,
});

test('hypervolume over time: feasible rungs that add to it, and the last', () => {
  const { hypervolume } = searchInsight(
    SPEC,
    [
      told(0, 0.5, 10),
      // Infeasible, failed, and dominated: none of them changes anything.
      told(1, 0.9, 1, { status: 'infeasible', violation: 0.3 }),
      told(2, 0, 0, { status: 'failed', metrics: {} }),
      told(3, 0.4, 12),
      told(4, 0.6, 11),
      told(5, 0.3, 12),
    ],
    [],
  );
  assert.deepEqual(
    hypervolume?.map(({ trialId }) => trialId),
    [0, 4, 5],
  );
  const shares = hypervolume?.map(({ share }) => share) as number[];
  // Box: accuracy 0.6 to 0.27, latency 10 to 12.2. Covered by 0.5/10 alone: 0.23 × 2.2; 0.6/11 adds 0.1 × 1.2.
  assert.ok(Math.abs((shares[0] as number) - (0.23 * 2.2) / (0.33 * 2.2)) < 1e-9);
  assert.ok(Math.abs((shares[1] as number) - (0.23 * 2.2 + 0.1 * 1.2) / (0.33 * 2.2)) < 1e-9);
  assert.equal(shares[2], shares[1]);
});

test('before anything feasible is told there is nothing to show; with five objectives the hypervolume is left out', () => {
  assert.deepEqual(searchInsight(SPEC, [told(0, 0.5, 1, { status: 'stopped' })], []), {
    hypervolume: [],
    importance: [],
  });
  const five = ['accuracy', 'loss', 'macs', 'parameters', 'modelSize'].map(parseObjective);
  assert.equal(searchInsight({ ...SPEC, objectives: five }, [], []).hypervolume, null);
});

test('the parameter that decides is the important one', () => {
  const trials = Array.from({ length: 40 }, (_, trialId) => ({
    trialId,
    candidate: { width: (trialId * 0.37) % 1, idle: (trialId * 0.61) % 1 },
  })) as unknown as TrialView[];
  const rungs = trials.map(({ trialId, candidate }) => told(trialId, candidate.width as number, 5));
  const { importance } = searchInsight(SPEC, rungs, trials);
  assert.equal(importance[0]?.name, 'width');
  assert.ok((importance[0]?.share as number) > 0.7);
});
