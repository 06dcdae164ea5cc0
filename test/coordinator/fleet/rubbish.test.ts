import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import fc from 'fast-check';
import { joinDevice, measureOn, measureOptions, measureRequest, startFleet } from '../../support/fleet.ts';

test('whatever a device sends on its topics, the fleet goes on', async (t) => {
  const under = await startFleet(t);
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const result = measureOn(under.fleet, deviceId, measureRequest(), measureOptions());
  const job = await agent.job();
  const { jobId, attempt, leaseToken } = job;
  const fields = {
    protocol: fc.constantFrom(1, 2, 'x', null),
    sessionId: fc.oneof(fc.string(), fc.constant(agent.sessionId)),
    state: fc.constantFrom('online', 'running', 'accepted', 'queued', 'nonsense', 7),
    updateId: fc.oneof(fc.string(), fc.integer()),
    jobId: fc.constantFrom(jobId, 'j-other', '__proto__', ''),
    attempt: fc.constantFrom(attempt, 0, -1, 99, 'x'),
    leaseToken: fc.constantFrom(`${leaseToken}x`, '', 5),
    deviceId: fc.constantFrom(deviceId, 'd-000000000009', 'x'),
    jobs: fc.anything(),
    board: fc.anything(),
    measurement: fc.anything(),
    at: fc.anything(),
    reason: fc.anything(),
  };
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.record(fields, { requiredKeys: [] }).map((value) => Buffer.from(JSON.stringify(value) ?? '')),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => Buffer.from('['.repeat(depth))),
  );
  const topic = fc.constantFrom(topics.status(deviceId), topics.hello(deviceId), topics.jobUpdate(deviceId));
  await fc.assert(
    fc.asyncProperty(topic, payload, fc.boolean(), async (where, what, retain) => {
      await agent.publish(where, what, retain);
    }),
    { numRuns: 300 },
  );
  await agent.publish(topics.status(deviceId), agent.status('online'), true);
  await agent.hello({ jobs: [{ jobId, attempt, leaseToken }] });
  await agent.update(job, 'succeeded');
  assert.equal((await result).outcome, 'ok');
  assert.equal(under.fleet.device('kitchen-pi')?.presence, 'online');
  assert.ok(under.log.some((line) => line.includes('could not be read')));
});

test('a hello in another device’s name is ignored', async (t) => {
  const under = await startFleet(t);
  const { agent } = await joinDevice(under, 'kitchen-pi');
  const other = await joinDevice(under, 'garage-pi');
  const forged = JSON.stringify({ protocol: 1, sessionId: 's', deviceId: other.deviceId, board: null, jobs: [] });
  await agent.publish(topics.hello(agent.deviceId), forged);
  const result = measureOn(under.fleet, other.deviceId, measureRequest(), measureOptions());
  await other.agent.update(await other.agent.job(), 'succeeded');
  await result;
});
