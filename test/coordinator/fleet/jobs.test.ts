/** What becomes of jobs when agents vanish, restart, stay silent, answer twice or answer nonsense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HelloMessage } from '@edgetune/shared/protocol/messages.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { JobFailedError } from '../../../coordinator/fleet/fleet.ts';
import { createHostLease } from '../../../coordinator/fleet/host-lease.ts';
import {
  boardDescription,
  FakeAgent,
  joinDevice,
  MACHINE_ID,
  measurementFor,
  measureOn,
  measureOptions,
  measureRequest,
  startFleet,
  untilFleet,
  untilJob,
  untilPresence,
} from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TestClock } from '../../support/test-clock.ts';
import { turn, until } from '../../support/waiting.ts';
import { ask, memoryFleet } from './support/memory-fleet.ts';

const MINUTE_MS = 60_000;
const fence = ({ jobId, attempt, leaseToken }: HelloMessage['jobs'][number]) => ({ jobId, attempt, leaseToken });

test('a job for a device that is offline waits for it, however long', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { fleet, broker } = under;
  const { token } = await fleet.addDevice('kitchen-pi');
  const { deviceId, credential } = await fleet.enroll({ token, board: boardDescription() });
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  assert.equal(fleet.device('kitchen-pi')?.queuedJobs, 1);
  clock.advance(7 * 24 * 60 * MINUTE_MS);
  const agent = await new FakeAgent(deviceId).connect(broker.url, credential);
  await agent.update(await agent.job(), 'succeeded');
  await result;
});

test('one job at a time is with the agent, and studies take turns', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const order: string[] = [];
  const ask = (studyId: string, name: string) =>
    measureOn(under.fleet, deviceId, measureRequest({ signature: name }), measureOptions({ studyId })).then(
      ({ signature }) => order.push(signature),
    );
  const all = [ask('a', 'a1'), ask('a', 'a2'), ask('a', 'a3'), ask('b', 'b1'), ask('b', 'b2')];
  for (let count = 1; count <= all.length; count++) {
    const job = await agent.job(({ jobId }) => !finished.has(jobId));
    finished.add(job.jobId);
    assert.equal(agent.received.filter(({ type }) => type === 'job').length, count);
    assert.equal(under.fleet.device('kitchen-pi')?.runningJobs, 1);
    assert.equal(under.fleet.device('kitchen-pi')?.queuedJobs, all.length - count);
    await agent.update(job, 'succeeded');
  }
  await Promise.all(all);
  assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a3']);
});
const finished = new Set<string>();

test('an agent that vanishes in the middle of a job and comes back with it goes on; the attempt is the same', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { fleet, broker } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  await agent.update(job, 'running');
  await untilJob(under, job.jobId, 'running');
  agent.vanish();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  clock.advance(24 * 60 * MINUTE_MS);
  const back = await new FakeAgent(deviceId).connect(broker.url, credential, { jobs: [fence(job)] });
  await back.update(job, 'succeeded');
  await result;
  assert.deepEqual(
    back.received.filter(({ type }) => type === 'job'),
    [],
  );
});

test('a job that never reached the agent is sent again after its hello, the same attempt', async (t) => {
  const under = await startFleet(t);
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  agent.vanish();
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential);
  assert.deepEqual(await back.job(), job);
  await back.update(job, 'succeeded');
  await result;
});

test('a job that the agent has lost begins anew; the old attempt changes nothing, but its result is kept', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { fleet, late } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  const first = await agent.job();
  await agent.update(first, 'running');
  await untilJob(under, first.jobId, 'running');
  agent.vanish();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  const forgotten = { jobId: 'j-of-another-time', attempt: 1, leaseToken: 'x' };
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential, { jobs: [forgotten] });
  assert.deepEqual(fence(await back.command('cancel')), forgotten);
  clock.advance(5000);
  const second = await back.job();
  assert.deepEqual([second.jobId, second.attempt], [first.jobId, 2]);
  assert.notEqual(second.leaseToken, first.leaseToken);
  const stale = await back.update(first, 'succeeded');
  await back.command('acknowledge', ({ updateIds }) => updateIds.includes(stale));
  assert.equal(under.store.jobs.get(first.jobId)?.state, 'sent');
  assert.deepEqual(
    late.map(({ id, deviceName, studyId }) => [id, deviceName, studyId]),
    [[`m-${first.jobId}-1`, 'kitchen-pi', 'study-1']],
  );
  assert.deepEqual(under.store.measurements.get(`m-${first.jobId}-1`), late[0]);
  await back.update(second, 'succeeded');
  await result;
  assert.equal(late.length, 1);
});

test('what the agent finished before its hello is delivered, not begun anew', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { fleet } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  await agent.update(job, 'running');
  agent.vanish();
  await untilPresence(fleet, 'kitchen-pi', 'offline');
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential);
  await back.update(job, 'succeeded');
  await result;
  clock.advance(MINUTE_MS);
  assert.equal(under.store.jobs.get(job.jobId)?.attempt, 1);
});

test('a silent agent loses its attempt; reports keep it; after three attempts the job has failed', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  const failed = assert.rejects(result, {
    name: 'JobFailedError',
    state: 'failed',
    message: /lost 3 times.*did not report/,
  });
  for (const attempt of [1, 2, 3]) {
    const job = await agent.job((sent) => sent.attempt === attempt);
    for (let count = 0; count < 5; count++) {
      clock.advance(job.stepTimeoutMs);
      const updateId = await agent.update(job, 'running');
      await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
    }
    await under.store.jobs.written();
    assert.equal(under.store.jobs.get(job.jobId)?.attempt, attempt);
    clock.advance(job.stepTimeoutMs + 15_000);
    await agent.command('cancel', (cancel) => cancel.attempt === attempt);
  }
  await failed;
});

test('an aborted job is cancelled at once; the next one waits until the agent has stopped', async (t) => {
  const under = await startFleet(t);
  const { fleet, store } = under;
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const abort = new AbortController();
  const running = measureOn(fleet, deviceId, measureRequest(), measureOptions({ signal: abort.signal }));
  const queued = measureOn(fleet, deviceId, measureRequest(), measureOptions({ signal: abort.signal }));
  const next = measureOn(fleet, deviceId, measureRequest({ signature: 'next' }), measureOptions({ studyId: 'other' }));
  const job = await agent.job();
  await agent.update(job, 'running');
  await untilJob(under, job.jobId, 'running');
  abort.abort(new Error('the trial was stopped'));
  for (const promise of [running, queued])
    await assert.rejects(promise, { state: 'cancelled', message: 'the trial was stopped' });
  await store.jobs.written();
  assert.equal(store.jobs.get(job.jobId)?.state, 'cancelled');
  const cancel = await agent.command('cancel');
  assert.deepEqual(fence(cancel), fence(job));
  assert.equal(agent.received.filter(({ type }) => type === 'job').length, 1);
  await agent.update(job, 'cancelled');
  const nextJob = await agent.job(({ request }) => request.signature === 'next');
  await agent.update(nextJob, 'succeeded');
  await next;
  const aborted = measureOptions({ signal: AbortSignal.abort(new Error('before')) });
  await assert.rejects(measureOn(fleet, deviceId, measureRequest(), aborted), {
    state: 'cancelled',
    message: 'before',
  });
});

test('an agent that does not confirm a cancellation blocks its device for ten seconds only', async (t) => {
  const clock = new TestClock();
  const under = await startFleet(t, { clock });
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const abort = new AbortController();
  const first = measureOn(under.fleet, deviceId, measureRequest(), measureOptions({ signal: abort.signal }));
  await agent.job();
  abort.abort(new Error('stop'));
  await assert.rejects(first);
  const next = measureOn(under.fleet, deviceId, measureRequest({ signature: 'next' }), measureOptions());
  clock.advance(10_000);
  await agent.update(await agent.job(({ request }) => request.signature === 'next'), 'succeeded');
  await next;
});

test('a result that crosses its cancellation enriches the history', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const abort = new AbortController();
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions({ signal: abort.signal }));
  const job = await agent.job();
  abort.abort(new Error('stop'));
  await assert.rejects(result);
  const updateId = await agent.update(job, 'succeeded');
  await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
  assert.deepEqual(
    under.late.map(({ id }) => id),
    [`m-${job.jobId}-1`],
  );
});

test('an update that comes twice is acknowledged twice and counts once', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  for (const updateId of ['u-1', 'u-2']) {
    await agent.update(job, 'succeeded', { updateId });
    await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
  }
  await result;
  assert.deepEqual(under.late, []);
});

test('how a job ends without a measurement reaches who asked, with the agent’s reason', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const seen = new Set<string>();
  for (const state of ['failed', 'timed-out', 'rejected', 'cancelled'] as const) {
    const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
    const rejected = assert.rejects(result, { name: 'JobFailedError', state, message: `because ${state}` });
    const job = await agent.job(({ jobId }) => !seen.has(jobId));
    seen.add(job.jobId);
    await agent.update(job, state, { reason: `because ${state}` });
    await rejected;
    await under.store.jobs.written();
    assert.equal(under.store.jobs.get(job.jobId)?.reason, `because ${state}`);
  }
});

test('an answer to another question, without a measurement, or unreadable, fails the job and is acknowledged', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const seen = new Set<string>();
  const other = measurementFor(measureRequest({ config: { ...measureRequest().config, threads: 4 } }));
  const answers = [
    [{ measurement: other }, /another model, inference config or scenario/],
    [{ measurement: null }, /success without a measurement/],
    [{ measurement: { outcome: 'splendid' } as never }, /could not be read .*same version/],
  ] as const;
  for (const [change, message] of answers) {
    const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
    const rejected = assert.rejects(result, { state: 'failed', message });
    const job = await agent.job(({ jobId }) => !seen.has(jobId));
    seen.add(job.jobId);
    const updateId = await agent.update(job, 'succeeded', change);
    await rejected;
    await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
  }
  assert.deepEqual(under.late, []);
});

test('a device on the coordinator’s machine measures under the host lease, also when its agent vanishes', async (t) => {
  const standing = { now: 0, times: 0 };
  const hostLease = createHostLease(() => {
    standing.now++;
    standing.times++;
    return () => standing.now--;
  });
  const under = await startFleet(t, { hostLease });
  const { fleet } = under;
  const board = boardDescription({ machineId: MACHINE_ID });
  const { agent, credential, deviceId } = await joinDevice(under, 'this-machine', board);
  const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
  await joinDevice(under, 'simulated', { ...board, simulated });
  assert.equal(fleet.device('this-machine')?.onCoordinatorHost, true);
  assert.equal(fleet.device('simulated')?.onCoordinatorHost, false);

  const give = await hostLease.acquire(new AbortController().signal);
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  const first = await agent.job();
  assert.equal(first.waitForHost, true);
  assert.equal(standing.times, 1, 'only the other holder: the agent prepares while training goes on');
  await agent.update(first, 'running');
  await untilFleet(fleet, 'the job to run', () => fleet.device('this-machine')?.runningJobs === 1);
  assert.ok(!agent.received.some(({ type }) => type === 'proceed'));
  give();
  await agent.command('proceed', ({ jobId }) => jobId === first.jobId);
  assert.equal(standing.now, 1);
  agent.vanish();
  await untilPresence(fleet, 'this-machine', 'offline');
  assert.equal(standing.now, 0);
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential, { board, jobs: [fence(first)] });
  await back.command('cancel', ({ attempt }) => attempt === 1);
  const second = await back.job();
  assert.equal(second.attempt, 2);
  await back.update(second, 'running');
  await back.command('proceed', ({ attempt }) => attempt === 2);
  assert.equal(standing.now, 1);
  // The window was disturbed: training goes on until the next one, and others may have the machine.
  await back.update(second, 'accepted');
  (await hostLease.acquire(new AbortController().signal))();
  back.received.length = 0;
  await back.update(second, 'running');
  await back.command('proceed', ({ attempt }) => attempt === 2);
  assert.equal(standing.now, 1);
  await back.update(second, 'succeeded');
  await result;
  assert.deepEqual(standing, { now: 0, times: 5 });
});

test('a job that waits for the host lease can be aborted, and its device can leave meanwhile', async (t) => {
  const hostLease = createHostLease(() => () => {});
  const under = await startFleet(t, { hostLease });
  const board = boardDescription({ machineId: MACHINE_ID });
  const { agent, credential, deviceId } = await joinDevice(under, 'this-machine', board);
  const give = await hostLease.acquire(new AbortController().signal);
  const abort = new AbortController();
  const aborted = measureOn(under.fleet, deviceId, measureRequest(), measureOptions({ signal: abort.signal }));
  const first = await agent.job();
  await agent.update(first, 'running');
  const patient = measureOn(under.fleet, deviceId, measureRequest({ signature: 'patient' }), measureOptions());
  abort.abort(new Error('stop'));
  await assert.rejects(aborted, { state: 'cancelled' });
  await agent.command('cancel', ({ jobId }) => jobId === first.jobId);
  await agent.update(first, 'cancelled');
  const second = await agent.job(({ request }) => request.signature === 'patient');
  await agent.update(second, 'running');
  agent.vanish();
  await untilPresence(under.fleet, 'this-machine', 'offline');
  give();
  (await hostLease.acquire(new AbortController().signal))();
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential, { board, jobs: [fence(second)] });
  await back.update(second, 'running');
  await back.command('proceed', ({ jobId }) => jobId === second.jobId);
  await back.update(second, 'succeeded');
  await patient;
});

test('however long others hold the coordinator’s machine, a job waits; lost meanwhile, its next attempt takes its place', async (t) => {
  const clock = new TestClock();
  const hostLease = createHostLease(() => () => {});
  const under = await startFleet(t, { hostLease, clock });
  const { fleet, store } = under;
  const board = boardDescription({ machineId: MACHINE_ID });
  const { agent, credential, deviceId } = await joinDevice(under, 'this-machine', board);
  const give = await hostLease.acquire(new AbortController().signal);
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  const first = await agent.job();
  await agent.update(first, 'running');
  await untilJob(under, first.jobId, 'running');
  clock.advance(60 * MINUTE_MS);
  assert.equal(store.jobs.get(first.jobId)?.state, 'running');
  assert.ok(!agent.received.some(({ type }) => type === 'cancel'));

  agent.vanish();
  await untilPresence(fleet, 'this-machine', 'offline');
  const jobs = [{ jobId: 'j-of-another-time', attempt: 1, leaseToken: 'x' }];
  const back = await new FakeAgent(deviceId).connect(under.broker.url, credential, { board, jobs });
  // Its hello was read.
  await back.command('cancel');
  clock.advance(5000);
  const second = await back.job(({ attempt }) => attempt === 2);
  await back.update(second, 'running');
  await untilJob(under, first.jobId, 'running');
  give();
  await back.command('proceed', ({ attempt }) => attempt === 2);
  await back.update(second, 'succeeded');
  await result;
});

test('after a restart old jobs are cancelled, and what was finished meanwhile is kept', async (t) => {
  const dataDirectory = temporaryFolder(t);
  const before = await startFleet(t, { dataDirectory });
  const { agent, credential, deviceId } = await joinDevice(before, 'kitchen-pi');
  const jobs = [1, 2].map(() => measureOn(before.fleet, deviceId, measureRequest(), measureOptions()));
  const ended = Promise.allSettled(jobs);
  const job = await agent.job();
  // As a kill leaves it: the journal still says that the job is under way.
  const journal = before.store.jobs.get(job.jobId);
  assert.equal(journal?.state, 'sent');
  await before.stop();
  await ended;

  const store = await import('../../../coordinator/store/store.ts').then(({ openStore }) => openStore(dataDirectory));
  store.jobs.update(job.jobId, { state: 'running' });
  store.close();
  const after = await startFleet(t, { dataDirectory });
  await after.store.jobs.written();
  assert.equal(after.store.jobs.get(job.jobId)?.state, 'cancelled');
  assert.match(after.store.jobs.get(job.jobId)?.reason ?? '', /restarted/);
  assert.deepEqual(after.store.jobs.unfinished(), []);
  const back = await new FakeAgent(deviceId).connect(after.broker.url, credential, { jobs: [fence(job)] });
  assert.deepEqual(fence(await back.command('cancel')), fence(job));
  const updateId = await back.update(job, 'succeeded');
  await back.command('acknowledge', ({ updateIds }) => updateIds.includes(updateId));
  assert.deepEqual(
    after.late.map(({ studyId, deviceName }) => [studyId, deviceName]),
    [['study-1', 'kitchen-pi']],
  );
});

test('a coordinator that stops cancels what runs, on the board too', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  await agent.job();
  const rejected = assert.rejects(result, { state: 'cancelled', message: /coordinator was stopped/ });
  await under.fleet.stop();
  await rejected;
  await agent.command('cancel');
});

test('a report that cannot be stored is not acknowledged; sent again, it counts', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  const { jobs } = under.store;
  const [failures, { written }] = [jobs.failures, jobs] as const;
  // Something could not be written between the report and its acknowledgement.
  jobs.written = () => {
    jobs.failures = () => failures() + 1;
    return written();
  };
  const lost = await agent.update(job, 'succeeded');
  await result;
  await until('a word in the log', () => under.log.some((line) => line.includes('the store could not write')));
  jobs.written = written;
  const again = await agent.update(job, 'succeeded');
  await agent.command('acknowledge', ({ updateIds }) => updateIds.includes(again));
  assert.ok(!agent.received.some((command) => command.type === 'acknowledge' && command.updateIds.includes(lost)));
  assert.deepEqual(
    under.late.map(({ id }) => id),
    [`m-${job.jobId}-1`],
    'nobody waits for it any more, and whoever did may have lost it',
  );
});

/** A device with a job, and a store in which from now on every write fails, until it is told otherwise. */
async function withFailingStore() {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  const asked = ask(under, agent);
  let failures = 0;
  const fail = () => {
    under.store.jobs.failures = () => failures++;
  };
  const write = () => {
    under.store.jobs.failures = () => failures;
  };
  fail();
  return { under, agent, asked, job: agent.job(), fail, write };
}

test('an agent is asked once for what could not be stored, some seconds later, until it is', async () => {
  const { under, agent, asked, job, fail, write } = await withFailingStore();
  const said = [agent.update(job, 'accepted'), agent.update(job, 'running'), agent.update(job, 'succeeded')];
  await asked.ended();
  await turn();
  assert.deepEqual([agent.acknowledged(), agent.told('greet')], [[], []]);
  under.clock.advance(9999);
  assert.equal(agent.told('greet').length, 0);
  under.clock.advance(1);
  assert.equal(agent.told('greet').length, 1);
  agent.update(job, 'succeeded');
  await turn();
  await turn();
  under.clock.advance(10_000);
  assert.equal(agent.told('greet').length, 2, 'it failed again');
  write();
  const kept = agent.update(job, 'succeeded');
  await turn();
  await turn();
  assert.deepEqual(agent.acknowledged(), [kept]);
  assert.ok(!said.includes(kept));
  under.clock.advance(60_000);
  assert.equal(agent.told('greet').length, 2);
  // Who stops asks nobody any more.
  fail();
  agent.update(job, 'succeeded');
  await turn();
  await turn();
  await under.fleet.stop();
  under.clock.advance(60_000);
  assert.equal(agent.told('greet').length, 2);
});

test('what cannot be stored while the fleet stops leaves no timer behind, which would keep the process', async () => {
  const { under, agent, asked, job } = await withFailingStore();
  agent.update(job, 'succeeded');
  await asked.ended();
  await under.fleet.stop();
  await turn();
  await turn();
  assert.equal(under.clock.waiting, 0);
});

test('a newer session of the same device replaces the older, whose death changes nothing', async (t) => {
  const under = await startFleet(t);
  const { fleet } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const second = await new FakeAgent(deviceId).connect(under.broker.url, credential);
  const staleWill = agent.status('offline');
  await second.publish(topics.status(deviceId), staleWill, true);
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  await second.update(await second.job(), 'succeeded');
  await result;
  assert.equal(fleet.device('kitchen-pi')?.presence, 'online');
});

test('a job that the agent is too old for is refused at once, with the reason; one that tells that it can gets it', async (t) => {
  const under = await startFleet(t);
  const scenario = { kind: 'server' as const, p99BoundMs: 20, batchingWindowMs: 0 };
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  await assert.rejects(
    measureOn(under.fleet, deviceId, measureRequest({ scenario }), measureOptions()),
    (error: Error) =>
      error instanceof JobFailedError &&
      error.state === 'rejected' &&
      /kitchen-pi: its agent, version .* cannot search the highest rate/.test(error.message),
  );
  await agent.hello({ board: { ...boardDescription(), agentFeatures: ['highest-rate', 'something newer'] } });
  const features = () => under.fleet.device('kitchen-pi')?.board?.agentFeatures ?? [];
  await untilFleet(under.fleet, 'the newer hello', () => features().length > 0);
  const measured = measureOn(under.fleet, deviceId, measureRequest({ scenario }), measureOptions());
  await agent.update(await agent.job(), 'succeeded');
  await measured;
});
