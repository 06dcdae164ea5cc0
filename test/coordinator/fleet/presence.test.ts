import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ABSENT, afterHello, afterStatus } from '../../../coordinator/fleet/presence.ts';

const status = (sessionId: string, state: 'online' | 'offline') =>
  ({ protocol: 1, sessionId, state, at: '2026-01-01T00:00:00.000Z' }) as const;

test('ready only after the hello of the session, or by a retained status', () => {
  const online = afterStatus(ABSENT, status('s1', 'online'), false);
  assert.deepEqual([online.online, online.ready], [true, false]);
  assert.equal(afterStatus(ABSENT, status('s1', 'online'), true).ready, true);
  assert.equal(afterStatus(afterHello('s1'), status('s1', 'online'), false).ready, true);
  assert.equal(afterStatus(afterHello('s1'), status('s2', 'online'), false).ready, false);
});

test('wherever the deaths of older sessions arrive, the newest session decides', () => {
  const scenario = fc.record({
    sessions: fc.integer({ min: 1, max: 5 }),
    lateBy: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 }),
    newestDies: fc.boolean(),
  });
  fc.assert(
    fc.property(scenario, ({ sessions, lateBy, newestDies }) => {
      const messages = Array.from({ length: sessions }, (_, index) => ({
        at: index,
        id: `s${index}`,
        state: 'online' as const,
      }));
      const deaths = messages
        .filter(({ at }) => at < sessions - 1 || newestDies)
        .map(({ at, id }) => ({ at: at + (lateBy[at] as number) + 0.5, id, state: 'offline' as const }));
      const order = [...messages, ...deaths].sort((a, b) => a.at - b.at);
      const last = order.reduce((before, { id, state }) => afterStatus(before, status(id, state), false), ABSENT);
      assert.equal(last.online, !newestDies);
    }),
  );
});
