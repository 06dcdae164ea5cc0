import assert from 'node:assert/strict';
import { it } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

it('ids of updates sort by time, and by their order within a millisecond', (t) => {
  const outbox = new Outbox(
    temporaryFolder(t),
    plainLogger(() => {}),
  );
  const next = () => outbox.newId();
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-01-01T00:00:00.000Z') });
  const ids = Array.from({ length: 40 }, next);
  t.mock.timers.setTime(Date.parse('2026-01-01T00:00:00.001Z'));
  ids.push(next());
  const pid = process.pid.toString(36);
  assert.deepEqual(
    [ids[0], ids[1], ids[36], ids[40]],
    [`0mjuohs00-${pid}-0000`, `0mjuohs00-${pid}-0001`, `0mjuohs00-${pid}-0010`, `0mjuohs01-${pid}-0014`],
  );
  assert.deepEqual(ids, [...ids].sort());
  // However small the time is: it has as many digits.
  t.mock.timers.setTime(1);
  assert.match(next(), /^000000001-/);
});
