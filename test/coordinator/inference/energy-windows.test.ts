/** A study that asks for energy measures as long as the board's meter needs; others do not pay for it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import { board, device, memoryHistory } from './support/board.ts';

async function windowsFor(objective: string, constraint: string | null, leastWindowMs: number | undefined) {
  const { measure, jobs } = board(() => 10);
  const plain = device();
  const metered = { ...plain, board: { ...plain.board, powerMeterLeastWindowMs: leastWindowMs } } as typeof plain;
  await createInferenceServer({ measure, history: memoryHistory() }).tune(
    {
      studyId: 's',
      signature: 'graph',
      modelSha256: 'a'.repeat(64),
      modelBytes: 10,
      device: metered,
      parameters: [],
      scenario: { kind: 'single-stream' },
      objectives: [parseObjective(objective)],
      constraints: constraint === null ? [] : [parseConstraint(constraint)],
      purpose: 'search',
      seed: 1,
    },
    () => {},
    new AbortController().signal,
  );
  return jobs.map(({ stopRule }) => stopRule.minDurationMs);
}

it('windows are as long as the meter needs where energy or power is asked for', async () => {
  assert.deepEqual(await windowsFor('minimize energy', null, 10_000), [10_000]);
  assert.deepEqual(await windowsFor('minimize latency.p50', 'power <= 5 W', 10_000), [10_000]);
  assert.deepEqual(await windowsFor('minimize latency.p50', null, 10_000), [1000]);
  assert.deepEqual(await windowsFor('minimize energy', null, 300), [1000]);
  assert.deepEqual(await windowsFor('minimize energy', null, undefined), [1000]);
});
