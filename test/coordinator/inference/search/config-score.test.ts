import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseObjective } from '@edgetune/shared/domain/objective.ts';
import { goalsOf } from '../../../../coordinator/inference/search/config-score.ts';

test('of a named ratio a device is asked for the part that it decides', () => {
  const aimsOf = (text: string) => goalsOf([parseObjective(text)], [], 'pi').aims;
  assert.deepEqual(aimsOf('edgetune.energy'), [{ metric: 'energy', direction: 'minimize' }]);
  assert.deepEqual(aimsOf('edgetune.time on pi'), [{ metric: 'latency.p50', direction: 'minimize' }]);
  assert.deepEqual(aimsOf('throughput'), [{ metric: 'throughput', direction: 'maximize' }]);
});
