import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProof } from '@edgetune/shared/protocol/signed.ts';
import { topics } from '@edgetune/shared/protocol/topics.ts';
import { JobFailedError } from '../../../coordinator/fleet/fleet.ts';
import {
  boardDescription,
  FakeAgent,
  joinDevice,
  measureOn,
  measureOptions,
  measureRequest,
  startFleet,
  untilPresence,
} from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TestClock } from '../../support/test-clock.ts';
import { event, until } from '../../support/waiting.ts';

const board = boardDescription();

test('a join token works once, for an hour, and only the newest of a name', async (t) => {
  const clock = new TestClock();
  const { fleet } = await startFleet(t, { clock });
  const first = await fleet.addDevice('kitchen-pi');
  assert.equal(first.device.presence, 'pending');
  assert.equal(first.expiresAt, '2026-01-01T01:00:00.000Z');
  const second = await fleet.addDevice('kitchen-pi');
  assert.equal(second.device.id, first.device.id);
  await assert.rejects(fleet.enroll({ token: first.token, board }), /not known/);
  await assert.rejects(fleet.enroll({ token: 'guess', board }), { name: 'FleetError', code: 'bad-token' });
  const { deviceId, name, credential } = await fleet.enroll({ token: second.token, board });
  assert.deepEqual([deviceId, name], [first.device.id, 'kitchen-pi']);
  assert.equal(fleet.device('kitchen-pi')?.presence, 'offline');
  assert.equal(fleet.verifyCredential(deviceId, credential), true);
  assert.equal(fleet.verifyCredential(deviceId, 'another'), false);
  assert.equal(fleet.verifyCredential('d-000000000009', credential), false);
  await assert.rejects(fleet.enroll({ token: second.token, board }), /has been used already/);
  const late = await fleet.addDevice('garage-pi');
  clock.advance(3_600_000);
  await assert.rejects(fleet.enroll({ token: late.token, board }), {
    message: /has expired/,
    hint: /device add garage-pi/,
  });
});

test('neither tokens nor credentials are stored', async (t) => {
  const { fleet, store } = await startFleet(t);
  const { token } = await fleet.addDevice('kitchen-pi');
  const { credential } = await fleet.enroll({ token, board });
  const everything = JSON.stringify(store.devices.list());
  assert.ok(!everything.includes(credential) && !everything.includes(token));
  assert.equal(store.devices.token(token), null);
});

test('a name that is taken, malformed or unknown is refused with what to do', async (t) => {
  const under = await startFleet(t);
  const { fleet } = under;
  await joinDevice(under, 'kitchen-pi');
  await fleet.addDevice('garage-pi');
  await assert.rejects(fleet.addDevice('kitchen-pi'), { code: 'name-taken', hint: /device remove kitchen-pi/ });
  await assert.rejects(fleet.addDevice('no spaces'), { code: 'bad-name', hint: /letters, digits/ });
  await assert.rejects(fleet.rename('kitchen-pi', 'garage-pi'), { code: 'name-taken' });
  await assert.rejects(fleet.rename('attic-pi', 'x'), { code: 'no-such-device', hint: /kitchen-pi, garage-pi/ });
  await assert.rejects(fleet.remove('attic-pi'), { code: 'no-such-device' });
});

test('joining again by a new token replaces the credential; until then the old one holds', async (t) => {
  const under = await startFleet(t);
  const { fleet, broker } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const { token } = await fleet.renewToken('kitchen-pi');
  assert.equal(fleet.verifyCredential(deviceId, credential), true);
  const closed = event('the session of the agent to be closed', agent.client, 'close');
  const again = await fleet.enroll({ token, board });
  assert.equal(again.deviceId, deviceId);
  assert.equal(fleet.verifyCredential(deviceId, credential), false);
  await closed;
  await new FakeAgent(deviceId).connect(broker.url, again.credential);
  await untilPresence(fleet, 'kitchen-pi', 'online');
});

test('a rename changes the label and nothing on the broker', async (t) => {
  const under = await startFleet(t);
  const { fleet } = under;
  const { agent, deviceId } = await joinDevice(under, 'kitchen-pi');
  const names: string[] = [];
  fleet.subscribe((change) => change.type === 'device' && names.push(change.device.name));
  assert.equal((await fleet.rename('kitchen-pi', 'attic-pi')).id, deviceId);
  assert.equal((await fleet.rename('attic-pi', 'attic-pi')).name, 'attic-pi');
  assert.equal(fleet.device('kitchen-pi'), null);
  assert.equal(fleet.device('attic-pi')?.presence, 'online');
  assert.ok(names.length > 0 && names.every((name) => name === 'attic-pi'));
  const result = measureOn(fleet, deviceId, measureRequest(), measureOptions());
  await agent.update(await agent.job(), 'succeeded');
  await result;
});

test('a removed device is told, its jobs end, its credential and its retained status are gone', async (t) => {
  const under = await startFleet(t);
  const { fleet, broker, client } = under;
  const { agent, credential, deviceId } = await joinDevice(under, 'kitchen-pi');
  const jobs = [1, 2].map(() => measureOn(fleet, deviceId, measureRequest(), measureOptions()));
  await agent.job();
  const closed = event('the session of the agent to be closed', agent.client, 'close');
  const removed: unknown[] = [];
  fleet.subscribe((change) => removed.push(change));
  const ended = Promise.allSettled(jobs);
  await fleet.remove('kitchen-pi');
  for (const outcome of await ended) {
    assert.equal(outcome.status, 'rejected');
    assert.ok(outcome.reason instanceof JobFailedError && outcome.reason.state === 'cancelled');
    assert.match(outcome.reason.message, /kitchen-pi was removed/);
  }
  assert.deepEqual(removed.at(-1), { type: 'device-removed', id: deviceId });
  assert.deepEqual(fleet.devices(), []);
  await agent.command('cancel');
  await agent.command('removed');
  await closed;
  await assert.rejects(new FakeAgent(deviceId).connect(broker.url, credential), /Not authorized/);
  await assert.rejects(measureOn(fleet, deviceId, measureRequest(), measureOptions()), /not in the fleet any more/);

  // A retained status would arrive before that of a device which says something new.
  const statuses: string[] = [];
  client.on('message', (topic) => statuses.push(topic));
  await client.unsubscribeAsync('edgetune/devices/+/status');
  await client.subscribeAsync('edgetune/devices/+/status', { qos: 1 });
  await joinDevice(under, 'garage-pi');
  assert.ok(!statuses.includes(topics.status(deviceId)));
});

test('an agent that an external broker still lets in is told that it was removed, also after a restart', async (t) => {
  const dataDirectory = temporaryFolder(t);
  const before = await startFleet(t, { dataDirectory });
  const { token } = await before.fleet.addDevice('kitchen-pi');
  const { deviceId } = await before.fleet.enroll({ token, board: boardDescription() });
  await before.fleet.remove('kitchen-pi');
  await before.stop();
  const { fleet, client, identity } = await startFleet(t, { dataDirectory });
  const published: string[] = [];
  const publish = client.publishAsync.bind(client);
  client.publishAsync = ((topic: string, payload: string, options: object) => {
    published.push(`${topic} ${payload}`);
    return publish(topic, payload, options);
  }) as typeof client.publishAsync;
  client.emit('message', topics.hello(deviceId), Buffer.from('{}'), { retain: false } as never);
  await until('a message to the agent', () => published.length > 0);
  assert.equal(published.length, 1);
  const [topic, payload = ''] = published[0]?.split(/ (.*)/) ?? [];
  const { type, proof } = JSON.parse(payload);
  const { statement } = openProof(identity.coordinator, proof, 'removal');
  assert.deepEqual([topic, type, statement.deviceId], [topics.command(deviceId), 'removed', deviceId]);
  assert.deepEqual(fleet.devices(), []);
});
