import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHostLease, type HostPause } from '../../../coordinator/fleet/host-lease.ts';

const never = new AbortController().signal;

function setup() {
  const state = { nowMs: 1000, pauses: 0, resumes: 0 };
  const lease = createHostLease(
    () => {
      state.pauses++;
      return () => state.resumes++;
    },
    () => state.nowMs,
  );
  return { state, lease };
}

test('one holder at a time, in the order of asking; training stands still meanwhile', async () => {
  const { state, lease } = setup();
  const order: string[] = [];
  const give = await lease.acquire(never);
  const second = lease.acquire(never).then((back) => {
    order.push('second');
    return back;
  });
  const third = lease.acquire(never).then((back) => {
    order.push('third');
    return back;
  });
  assert.deepEqual([state.pauses, state.resumes, order], [1, 0, []]);
  give();
  (await second)();
  (await third)();
  assert.deepEqual([state.pauses, state.resumes, order], [3, 3, ['second', 'third']]);
});

test('the paused time is booked, also of a pause that is not over', async () => {
  const { state, lease } = setup();
  const spans: HostPause[] = [];
  const end = lease.onPause((span) => spans.push(span));
  const give = await lease.acquire(never);
  state.nowMs = 1250;
  assert.equal(lease.pausedMs, 250);
  give();
  give();
  state.nowMs = 9000;
  assert.equal(lease.pausedMs, 250);
  assert.equal(state.resumes, 1, 'given back twice counts once');
  end();
  (await lease.acquire(never))();
  assert.deepEqual(spans, [{ startMs: 1000, endMs: 1250 }]);
});

test('who gives up waiting is passed over; who had given up before gets nothing', async () => {
  const { lease } = setup();
  const give = await lease.acquire(never);
  const impatient = new AbortController();
  const waiting = lease.acquire(impatient.signal);
  const patient = lease.acquire(never);
  impatient.abort(new Error('no longer needed'));
  await assert.rejects(waiting, /no longer needed/);
  give();
  (await patient)();
  await assert.rejects(lease.acquire(AbortSignal.abort()), { name: 'AbortError' });
});
