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

test('where training cannot be stopped nobody holds the machine, and the next one may try', async () => {
  let fails = true;
  const lease = createHostLease(() => {
    if (fails) throw new Error('no more processes');
    return () => {};
  });
  await assert.rejects(lease.acquire(never), /no more processes/);
  fails = false;
  const give = await lease.acquire(never);
  const second = assert.rejects(lease.acquire(never), /no more processes/);
  const third = lease.acquire(never);
  fails = true;
  give();
  await second;
  fails = false;
  await assert.rejects(third, /no more processes/);
  (await lease.acquire(never))();
});

test('a listener that throws keeps the machine from nobody', async () => {
  const faults: unknown[] = [];
  const lease = createHostLease(
    () => () => {},
    Date.now,
    (error) => faults.push(error),
  );
  const heard: HostPause[] = [];
  lease.onPause(() => assert.fail('a broken study'));
  lease.onPause((pause) => heard.push(pause));
  const give = await lease.acquire(never);
  const next = lease.acquire(never);
  give();
  (await next)();
  assert.equal(heard.length, 2);
  assert.deepEqual(faults.map(String), Array(2).fill('AssertionError [ERR_ASSERTION]: a broken study'));
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
