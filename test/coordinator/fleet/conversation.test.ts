/** What the fleet makes of what its devices say: presence, boards, updates of agents, whose turn it is. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { type BoardDescription, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import { openProof, type Proof } from '@edgetune/shared/protocol/signed.ts';
import { COORDINATOR_SUBSCRIPTIONS, topics } from '@edgetune/shared/protocol/topics.ts';
import type { AgentRelease } from '../../../coordinator/fleet/agent-release.ts';
import { createHostLease } from '../../../coordinator/fleet/host-lease.ts';
import { boardDescription, measureOptions, measureRequest } from '../../support/fleet.ts';
import { Arrival, turn } from '../../support/waiting.ts';
import { ask, fence, MemoryStore, memoryFleet } from './support/memory-fleet.ts';

const GRACE_MS = 15_000;
const never = new AbortController().signal;
const here = boardDescription({ machineId: 'machine-of-the-coordinator' });

describe('a coordinator that starts', () => {
  it('hears all devices at QoS 1, and forgets jobs of more than thirty days ago', async () => {
    const { client, store } = await memoryFleet();
    assert.deepEqual(
      client.subscribed,
      COORDINATOR_SUBSCRIPTIONS.map((filter) => `${filter} at QoS 1`),
    );
    assert.deepEqual(store.pruned, ['2025-12-02T00:00:00.000Z']);
  });

  it('knows its devices, and sends jobs to one whose status the broker has kept', async () => {
    const store = new MemoryStore();
    const before = await memoryFleet({ store });
    const agent = await before.join('kitchen-pi');
    const after = await memoryFleet({ store });
    assert.equal(after.fleet.device('kitchen-pi')?.presence, 'offline');
    ask(after, agent);
    Object.assign(agent, { client: after.client });
    assert.equal(agent.jobs().length, 0);
    agent.status('online', { retain: true });
    assert.equal(agent.jobs().length, 1);
    assert.equal(after.fleet.device('kitchen-pi')?.presence, 'busy');
  });

  it('asks an agent that said hello before it listened for all that it has; one that comes says so by itself', async () => {
    const store = new MemoryStore();
    const before = await memoryFleet({ store });
    const agent = await before.join('kitchen-pi');
    const gone = await before.join('garage-pi');
    assert.equal(agent.told('greet').length, 0);
    const after = await memoryFleet({ store });
    for (const each of [agent, gone]) Object.assign(each, { client: after.client });
    agent.status('online', { retain: true });
    gone.status('offline', { retain: true });
    assert.deepEqual([agent.told('greet').length, gone.told('greet').length], [1, 0]);
    // The coordinator was cut off from its broker: what was said meanwhile is lost, though the session is the same.
    agent.hello();
    agent.status('online', { retain: true });
    assert.equal(agent.told('greet').length, 2);
  });

  it('takes no device for removed whose row cannot be read', async () => {
    const store = new MemoryStore();
    const agent = await (await memoryFleet({ store })).join('kitchen-pi');
    store.unreadable.add(agent.deviceId);
    const after = await memoryFleet({ store });
    Object.assign(agent, { client: after.client });
    agent.hello();
    assert.equal(agent.told('removed').length, 0);
    after.fleet.heardStranger(agent.deviceId);
    assert.deepEqual([agent.told('unknown'), after.fleet.strangers(), after.log], [[], [], []]);
    store.deviceRows.delete(agent.deviceId);
    agent.hello();
    assert.deepEqual([agent.told('removed').length, agent.told('unknown').length], [0, 1]);
  });

  it('ends what is under way when it stops, says so, and hears nothing more', async () => {
    const { fleet, client, join, store } = await memoryFleet();
    const agent = await join('kitchen-pi');
    const asked = ask({ fleet }, agent);
    const waiting = ask({ fleet }, agent);
    await fleet.stop();
    for (const each of [asked, waiting]) {
      const ended = await each.ended();
      assert.equal(ended && 'error' in ended && ended.error.message, 'the coordinator was stopped');
    }
    assert.deepEqual(
      agent.told('cancel').map(({ jobId, reason }) => [jobId, reason]),
      [[agent.job().jobId, 'the coordinator was stopped']],
    );
    assert.equal(client.listenerCount('message'), 0);
    assert.deepEqual(store.jobs.unfinished(), []);
  });

  it('sends nothing more when it has stopped, and takes that for no fault', async () => {
    const { fleet, client, join, log } = await memoryFleet();
    await join('kitchen-pi');
    await fleet.stop();
    const before = client.published.length;
    await fleet.remove('kitchen-pi');
    await turn();
    assert.deepEqual([client.published.length, log], [before, []]);
  });
});

describe('presence', () => {
  it('goes from pending over offline and online to busy, and each change is told once', async () => {
    const under = await memoryFleet();
    const { fleet, changes } = under;
    const { token } = await fleet.addDevice('kitchen-pi');
    await fleet.enroll({ token, board: boardDescription() });
    const agent = await under.join('garage-pi');
    agent.status('online');
    agent.status('online');
    ask(under, agent);
    agent.update(agent.job(), 'succeeded');
    agent.status('offline');
    agent.status('offline');
    assert.deepEqual(
      changes.filter(({ name }) => name === 'kitchen-pi').map(({ presence }) => presence),
      ['pending', 'offline'],
    );
    const told = changes.filter(({ name }) => name === 'garage-pi').map(({ presence }) => presence);
    assert.deepEqual(
      told.filter((presence, index) => presence !== told[index - 1]),
      ['pending', 'offline', 'online', 'busy', 'online', 'offline'],
    );
  });

  it('of a new session is online, and gets no job before its hello', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    agent.sessionId = 'session-2';
    agent.status('online');
    ask(under, agent);
    assert.equal(agent.jobs().length, 0);
    assert.equal(under.fleet.device('kitchen-pi')?.presence, 'online');
    agent.hello();
    assert.equal(agent.jobs().length, 1);
  });

  it('of an old session that dies late says nothing', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    agent.reconnect([]);
    agent.status('offline', { sessionId: 'session-1' });
    assert.equal(under.fleet.device('kitchen-pi')?.presence, 'online');
    ask(under, agent);
    assert.equal(agent.jobs().length, 1);
  });

  it('when it was last seen is kept when it goes', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const seen = () => [
      under.fleet.device('kitchen-pi')?.lastSeenAt,
      under.store.deviceRows.get(agent.deviceId)?.lastSeenAt,
    ];
    assert.deepEqual(seen(), ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z']);
    under.clock.advance(60_000);
    agent.status('offline');
    assert.deepEqual(seen(), ['2026-01-01T00:01:00.000Z', '2026-01-01T00:01:00.000Z']);
    under.clock.advance(60_000);
    agent.status('offline');
    assert.deepEqual(seen(), ['2026-01-01T00:02:00.000Z', '2026-01-01T00:01:00.000Z'], 'it was gone already');
  });
});

describe('a hello', () => {
  it('brings the board, which is kept, and with it the device’s class', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    agent.board = boardDescription({ governor: 'performance', memoryBytes: 4 * 2 ** 30 });
    agent.hello();
    const device = under.fleet.device('kitchen-pi');
    assert.deepEqual(device?.board, agent.board);
    assert.equal(device?.deviceClass, deviceClassOf(agent.board));
    assert.deepEqual(under.store.deviceRows.get(agent.deviceId)?.board, agent.board);
    const asked = ask(under, agent);
    agent.update(agent.job(), 'succeeded');
    const ended = await asked.ended();
    assert.equal(ended && 'measurement' in ended && ended.measurement.deviceClass, deviceClassOf(agent.board));
  });

  it('of an agent that is newer than the coordinator is taken without what is unknown here, which the board lists as missing', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const [runtime] = boardDescription().runtimes;
    const announced = { ...runtime, runner: 'of-a-newer-agent', executionProviders: ['cpu', 'npu'] };
    agent.board = { ...boardDescription(), runtimes: [announced] } as BoardDescription;
    agent.hello();
    const device = under.fleet.device('kitchen-pi');
    assert.equal(device?.presence, 'online');
    assert.deepEqual(device?.board?.runtimes, [{ ...announced, executionProviders: ['cpu'] }]);
    assert.equal(device?.board?.missing?.[0]?.what, 'of-a-newer-agent with npu');
    assert.deepEqual(under.log, []);
  });

  it('that cannot be read, like a status or an update, is logged with what is wrong, and changes nothing', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const before = under.changes.length;
    agent.say(topics.status(agent.deviceId), { protocol: 1, sessionId: 's', state: 'asleep', at: '' });
    agent.say(topics.hello(agent.deviceId), { protocol: 2, sessionId: 's' });
    agent.say(topics.jobUpdate(agent.deviceId), 'no JSON');
    assert.equal(under.log.length, 3);
    for (const [index, kind] of ['status', 'hello', 'job-update'].entries())
      assert.match(
        under.log[index] ?? '',
        new RegExp(`^warn: kitchen-pi: its ${kind} could not be read and was ignored: .`),
      );
    assert.equal(under.changes.length, before);
    await turn();
    assert.deepEqual(agent.acknowledged(), []);
  });

  it('in another device’s name is ignored', async () => {
    const under = await memoryFleet();
    const [agent, other] = [await under.join('kitchen-pi'), await under.join('garage-pi')];
    const before = under.changes.length;
    const forged = { protocol: 1, sessionId: 's', deviceId: other.deviceId, board: boardDescription(), jobs: [] };
    agent.say(topics.hello(agent.deviceId), forged);
    assert.match(
      under.log.join(),
      new RegExp(`kitchen-pi: its hello names another device, ${other.deviceId}: ignored`),
    );
    assert.equal(under.changes.length, before);
  });

  it('of who is in no fleet is answered by that; anything else of it is not', async () => {
    const { client, fleet, identity } = await memoryFleet();
    const unknown = 'd-000000000009';
    for (const topic of [topics.status(unknown), topics.jobUpdate(unknown), topics.command(unknown), 'elsewhere'])
      client.emit('message', topic, Buffer.from('{}'), { retain: false });
    assert.deepEqual(client.published, []);
    client.emit('message', topics.hello(unknown), Buffer.from('{}'), { retain: false });
    assert.deepEqual(client.published, [
      {
        topic: topics.command(unknown),
        payload: JSON.stringify({ type: 'unknown', coordinator: identity.coordinator.id }),
        options: { qos: 1 },
      },
    ]);
    assert.deepEqual(fleet.devices(), []);
  });

  it('lists jobs that nobody waits for: they are cancelled', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const old = { jobId: 'j-old', attempt: 1, leaseToken: 'x' };
    agent.reconnect([old]);
    assert.deepEqual(agent.told('cancel'), [
      { type: 'cancel', ...old, reason: 'the coordinator does not wait for this job any more' },
    ]);
  });
});

describe('a job whose agent is back', () => {
  for (const how of ['with it', 'and a status that the broker had kept'] as const)
    it(`${how}, is watched anew: silence ends its attempt`, async () => {
      const under = await memoryFleet();
      const agent = await under.join('kitchen-pi');
      ask(under, agent);
      const job = agent.job();
      agent.update(job, 'running');
      under.clock.advance(job.stepTimeoutMs);
      if (how === 'with it') agent.reconnect([fence(job)]);
      else {
        agent.status('offline');
        agent.status('online', { retain: true, sessionId: 'session-2' });
      }
      under.clock.advance(job.stepTimeoutMs + GRACE_MS - 1);
      assert.equal(agent.job().attempt, 1);
      under.clock.advance(1);
      assert.equal(agent.job().attempt, 2);
    });

  it('and does not know it begins anew after five seconds, in which its result may still come', async () => {
    for (const comes of [true, false]) {
      const under = await memoryFleet();
      const agent = await under.join('kitchen-pi');
      const asked = ask(under, agent);
      const job = agent.job();
      agent.update(job, 'accepted');
      agent.reconnect([]);
      under.clock.advance(4999);
      assert.equal(agent.jobs().length, 1);
      if (comes) agent.update(job, 'succeeded');
      under.clock.advance(1);
      assert.equal(agent.jobs().length, comes ? 1 : 2);
      assert.equal((await asked.ended()) !== null, comes);
      if (!comes) assert.equal(under.store.jobRows.get(job.jobId)?.reason ?? null, null, 'it is sent already');
    }
  });

  it('and never had it gets it again, the same', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    ask(under, agent);
    agent.reconnect([]);
    const [first, second] = agent.jobs();
    assert.deepEqual(second, first);
  });

  it('after it was cancelled meanwhile, the next one is sent at once', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const asked = ask(under, agent);
    ask(under, agent, measureRequest({ signature: 'next' }));
    agent.status('offline');
    under.clock.advance(10 * 60_000);
    asked.abort('not needed');
    agent.reconnect([]);
    assert.deepEqual(
      agent.jobs().map(({ request }) => request.signature),
      ['signature-a', 'next'],
    );
  });
});

describe('the coordinator’s own machine', () => {
  it('is taken for the window and given back between two, when the job ends, and by nobody else', async () => {
    let standing = 0;
    const hostLease = createHostLease(() => {
      standing++;
      return () => standing--;
    });
    const under = await memoryFleet({ hostLease });
    const agent = await under.join('this-machine', here);
    const asked = ask(under, agent);
    const job = agent.job();
    assert.equal(job.waitForHost, true);
    const says = async (state: 'accepted' | 'running' | 'succeeded') => {
      agent.update(job, state);
      await turn();
      return standing;
    };
    assert.equal(await says('accepted'), 0);
    assert.equal(await says('running'), 1);
    assert.equal(await says('running'), 1, 'it is taken once, and kept');
    assert.equal(agent.told('proceed').length, 2, 'who asks again is told again');
    assert.equal(await says('accepted'), 0);
    assert.equal(await says('running'), 1);
    assert.equal(await says('succeeded'), 0);
    assert.ok('measurement' in ((await asked.ended()) ?? {}));
    for (const proceed of agent.told('proceed')) assert.deepEqual(fence(proceed), fence(job));
  });

  it('is not taken for an attempt that was lost before it came, nor for an agent that is away', async () => {
    for (const away of [false, true]) {
      const hostLease = createHostLease(() => () => {});
      const under = await memoryFleet({ hostLease });
      const agent = await under.join('this-machine', here);
      ask(under, agent);
      const give = await hostLease.acquire(never);
      agent.update(agent.job(), 'running');
      if (away) agent.status('offline');
      else {
        agent.reconnect([]);
        under.clock.advance(5000);
        assert.equal(agent.job().attempt, 2);
      }
      give();
      await turn();
      assert.deepEqual(agent.told('proceed'), []);
      assert.equal(typeof (await Promise.race([hostLease.acquire(never), turn().then(() => null)])), 'function');
    }
  });

  it('of a board that is simulated, or another one, is not asked for', async () => {
    const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
    for (const board of [boardDescription(), { ...here, simulated }]) {
      const under = await memoryFleet({ hostLease: { acquire: () => assert.fail('nobody may ask') } });
      const agent = await under.join('pi', board);
      ask(under, agent);
      assert.equal(agent.job().waitForHost, false);
      agent.update(agent.job(), 'running');
      assert.equal(under.fleet.device('pi')?.onCoordinatorHost, false);
    }
  });
});

describe('an asker', () => {
  it('is not listened to after its answer', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const { signal } = new AbortController();
    const result = under.fleet.measure(agent.deviceId, measureRequest(), { ...measureOptions(), signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    agent.update(agent.job(), 'succeeded');
    await result;
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('who had given up before gets nothing queued', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const signal = AbortSignal.abort('no longer');
    const asked = under.fleet.measure(agent.deviceId, measureRequest(), { ...measureOptions(), signal });
    await assert.rejects(asked, { name: 'JobFailedError', state: 'cancelled', message: 'no longer' });
    assert.equal(under.store.jobRows.size, 0);
  });

  it('is told in whole seconds for how long an agent was silent', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    ask(under, agent, measureRequest({ modelBytes: 60_000 }));
    under.clock.advance(agent.job().stepTimeoutMs + GRACE_MS);
    assert.equal(agent.told('cancel')[0]?.reason, 'its agent did not report for 136 s');
  });

  it('shares a device with the others, study by study', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    for (const [study, name] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['a', 'a3'],
      [null, 'n1'],
      ['b', 'b1'],
    ] as const)
      ask(under, agent, measureRequest({ signature: name }), study);
    const device = () => under.fleet.device('kitchen-pi');
    assert.deepEqual([device()?.runningJobs, device()?.queuedJobs], [1, 4]);
    for (let count = 0; count < 5; count++) agent.update(agent.job(), 'succeeded');
    assert.deepEqual(
      agent.jobs().map(({ request }) => request.signature),
      ['a1', 'a2', 'n1', 'b1', 'a3'],
    );
    assert.deepEqual([device()?.runningJobs, device()?.queuedJobs], [0, 0]);
  });
});

describe('the newest agent', () => {
  const release = (change: Partial<AgentRelease> = {}): AgentRelease => ({
    version: async () => '0.2.0',
    agentFor: async () => ({ path: '/nowhere', sha256: 'ab'.repeat(32), bytes: 1 }),
    nodeFor: () => Promise.reject(new Error('nobody asks for it')),
    ...change,
  });
  const update = { release: '0.1.0-0123456789ab', platform: 'linux-arm64', failed: null };

  it('is offered to who can update itself, and shown as offered', async () => {
    const under = await memoryFleet({ agentRelease: release() });
    const agent = await under.join('kitchen-pi');
    await turn();
    assert.deepEqual([agent.told('update'), under.fleet.device('kitchen-pi')?.agentUpdate], [[], undefined]);
    agent.hello([], update, under.identity.coordinator);
    assert.deepEqual(under.fleet.device('kitchen-pi')?.agentUpdate, { offered: null, failed: null });
    await turn();
    const [told, ...others] = agent.told('update');
    assert.deepEqual(others, []);
    const { proof, ...offer } = told?.offer ?? assert.fail('it was offered none');
    assert.deepEqual(offer, { version: '0.2.0', path: '/install/agent-linux-arm64.tgz', sha256: 'ab'.repeat(32) });
    const { statement } = openProof(under.identity.coordinator, proof as Proof, 'release');
    assert.deepEqual([statement.version, statement.sha256], ['0.2.0', offer.sha256]);
    assert.deepEqual(under.changes.at(-1)?.agentUpdate, { offered: '0.2.0', failed: null });
  });

  it('is refused, with words on page and log, to who could not tell whose it is; an older agent that hears us alone has it as before', async () => {
    const under = await memoryFleet({ agentRelease: release() });
    const agent = await under.join('kitchen-pi');
    for (const coordinator of [undefined, null, { ...under.identity.coordinator, id: 'c-ffffffffffffffff' }]) {
      under.log.splice(0);
      agent.hello([], update, coordinator);
      await turn();
      const { agentUpdate } = under.fleet.device('kitchen-pi') ?? {};
      assert.match(agentUpdate?.refused ?? '', /edgetune device add NAME --renew/);
      assert.deepEqual([agentUpdate?.offered, under.changes.at(-1)?.agentUpdate], [null, agentUpdate]);
      assert.equal(under.log.at(-1), `warn: kitchen-pi is not offered agent 0.2.0: ${agentUpdate?.refused}`);
      assert.deepEqual(agent.told('update'), []);
    }
    const encrypted = await memoryFleet({ agentRelease: release(), isEncrypted: true });
    const old = await encrypted.join('kitchen-pi');
    old.hello([], update);
    await turn();
    assert.deepEqual([old.told('update').length, encrypted.log], [1, []]);
  });

  it('that has failed there is not offered again, and its failure is shown', async () => {
    const under = await memoryFleet({ agentRelease: release() });
    const agent = await under.join('kitchen-pi');
    const failed = { release: `0.2.0-${'ab'.repeat(6)}`, reason: 'it did not start' };
    agent.hello([], { ...update, failed }, under.identity.coordinator);
    await turn();
    assert.deepEqual(agent.told('update'), []);
    assert.deepEqual(under.fleet.device('kitchen-pi')?.agentUpdate, { offered: null, failed });
  });

  it('that cannot be put together is logged; a device that has left meanwhile is offered nothing', async () => {
    const broken = await memoryFleet({
      agentRelease: release({ agentFor: () => Promise.reject(new Error('the disk is full')) }),
    });
    (await broken.join('kitchen-pi')).hello([], update);
    await turn();
    assert.match(broken.log.join(), /kitchen-pi was offered no newer agent: the disk is full/);
    const version = new Arrival<string>('the version of the newest agent');
    const under = await memoryFleet({ agentRelease: release({ version: () => version.wait() }) });
    const agent = await under.join('kitchen-pi');
    agent.hello([], update, under.identity.coordinator);
    await under.fleet.remove('kitchen-pi');
    version.come('0.2.0');
    await turn();
    assert.deepEqual(agent.told('update'), []);
    assert.deepEqual(under.log, []);
  });
});

it('a message that cannot be sent is logged, and nothing else is disturbed', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  under.client.failure = new Error('the broker is away');
  ask(under, agent);
  await turn();
  assert.match(under.log.join(), new RegExp(`a message for ${agent.deviceId} was not sent: the broker is away`));
  under.client.failure = null;
  agent.reconnect([]);
  assert.equal(agent.jobs().length, 1);
});

it('a device that leaves is told, its jobs end, its status is cleared, and who listens hears of it', async () => {
  const disconnected: string[] = [];
  const under = await memoryFleet({ disconnect: (id) => disconnected.push(id) });
  const agent = await under.join('kitchen-pi');
  assert.deepEqual(disconnected, [agent.deviceId], 'sessions of before it joined are void');
  const jobs = [ask(under, agent), ask(under, agent)];
  const heard: unknown[] = [];
  const end = under.fleet.subscribe((change) => heard.push(change));
  await under.fleet.remove('kitchen-pi');
  for (const job of jobs) {
    const ended = await job.ended();
    assert.equal(ended && 'error' in ended && ended.error.message, 'the device kitchen-pi was removed from the fleet');
  }
  assert.deepEqual(
    ['cancel', 'removed'].map((type) => agent.told(type as 'removed').length),
    [1, 1],
  );
  assert.deepEqual(under.client.published.at(-1), {
    topic: topics.status(agent.deviceId),
    payload: '',
    options: { qos: 1, retain: true },
  });
  assert.deepEqual(heard.at(-1), { type: 'device-removed', id: agent.deviceId });
  assert.deepEqual(disconnected, [agent.deviceId, agent.deviceId]);
  assert.equal(under.fleet.hasDevice(agent.deviceId), false);
  assert.deepEqual([under.fleet.devices(), [...under.store.deviceRows]], [[], []]);
  const late = under.fleet.measure(agent.deviceId, measureRequest(), measureOptions());
  await assert.rejects(late, { state: 'cancelled', message: `device ${agent.deviceId} is not in the fleet any more` });
  end();
  const count = heard.length;
  await under.fleet.addDevice('garage-pi');
  assert.equal(heard.length, count);
});

it('a device that leaves is told before its session ends, also where the store takes its time', async () => {
  const store = new MemoryStore();
  const written = new Arrival('the store to be free');
  const order: string[] = [];
  const under = await memoryFleet({ store, disconnect: () => order.push('disconnected') });
  const agent = await under.join('kitchen-pi');
  order.splice(0);
  store.jobs.written = () => written.wait();
  const removed = under.fleet.remove('kitchen-pi');
  await turn();
  assert.deepEqual([order, agent.told('removed').length], [[], 0]);
  written.come();
  await removed;
  assert.deepEqual([order, agent.told('removed').length], [['disconnected'], 1]);
});

describe('names and tokens', () => {
  it('a name is taken once its device has joined; until then its token is replaced', async () => {
    const { fleet, store } = await memoryFleet();
    const [first, second] = [await fleet.addDevice('kitchen-pi'), await fleet.addDevice('kitchen-pi')];
    assert.equal(first.device.id, second.device.id);
    assert.match(first.device.id, /^d-[0-9a-f]{16}$/);
    assert.notEqual(first.token, second.token);
    assert.equal(store.tokens.size, 1);
    assert.equal(second.expiresAt, '2026-01-01T01:00:00.000Z');
    assert.deepEqual([second.device.presence, second.device.addedAt], ['pending', '2026-01-01T00:00:00.000Z']);
    await assert.rejects(fleet.enroll({ token: first.token, board: here }), {
      code: 'bad-token',
      message: 'this join token is not known',
      hint: 'make a new one on the coordinator: edgetune device add NAME',
    });
    await fleet.enroll({ token: second.token, board: here });
    await assert.rejects(fleet.addDevice('kitchen-pi'), {
      code: 'name-taken',
      message: 'a device named "kitchen-pi" is in the fleet already',
      hint: 'choose another name, or remove that device first: edgetune device remove kitchen-pi',
    });
  });

  it('a token is used once, within the hour, also for a device that has joined', async () => {
    const { fleet, clock } = await memoryFleet();
    const { token } = await fleet.addDevice('kitchen-pi');
    const first = await fleet.enroll({ token, board: here });
    await assert.rejects(fleet.enroll({ token, board: here }), { message: 'this join token has been used already' });
    const renewed = await fleet.renewToken('kitchen-pi');
    clock.advance(3_600_000 - 1);
    const second = await fleet.enroll({ token: renewed.token, board: here });
    assert.equal(second.deviceId, first.deviceId);
    assert.deepEqual(
      [first, second].map(({ deviceId, credential }) => fleet.verifyCredential(deviceId, credential)),
      [false, true],
    );
    const pending = await fleet.addDevice('attic-pi');
    const again = await fleet.renewToken('kitchen-pi');
    clock.advance(3_600_000);
    for (const [late, name] of [
      [pending.token, 'attic-pi'],
      [again.token, 'NAME'],
    ] as const)
      await assert.rejects(fleet.enroll({ token: late, board: here }), {
        message: 'this join token has expired',
        hint: `make a new one on the coordinator: edgetune device add ${name}`,
      });
  });

  it('a rename is kept, refused for a name that is taken or is none, and may be to the same name', async () => {
    const { fleet, store, changes } = await memoryFleet();
    const { device } = await fleet.addDevice('kitchen-pi');
    await fleet.addDevice('garage-pi');
    assert.equal((await fleet.rename('kitchen-pi', 'attic-pi')).name, 'attic-pi');
    assert.equal(store.deviceRows.get(device.id)?.name, 'attic-pi');
    assert.equal(changes.at(-1)?.name, 'attic-pi');
    assert.equal((await fleet.rename('attic-pi', 'attic-pi')).id, device.id);
    await assert.rejects(fleet.rename('attic-pi', 'garage-pi'), { code: 'name-taken', hint: 'choose another name' });
    await assert.rejects(fleet.rename('attic-pi', 'no spaces'), {
      code: 'bad-name',
      message: '"no spaces" cannot be a device\'s name',
      hint: /^a device name has/,
    });
    await assert.rejects(fleet.rename('nobody', 'x'), {
      code: 'no-such-device',
      message: 'no device is named "nobody"',
      hint: 'the fleet has attic-pi, garage-pi',
    });
    const empty = await memoryFleet();
    await assert.rejects(empty.fleet.renewToken('nobody'), { hint: 'add it: edgetune device add nobody' });
  });
});
