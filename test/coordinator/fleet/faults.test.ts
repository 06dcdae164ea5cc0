/** Faults of those who listen, or wait for a job: they stay their own, and end neither the job nor the process. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Heard } from '../../../coordinator/fleet/device-registry.ts';
import { DeviceRegistry } from '../../../coordinator/fleet/device-registry.ts';
import { createHostLease } from '../../../coordinator/fleet/host-lease.ts';
import { hashSecret, matchesHash, newSecret } from '../../../coordinator/fleet/secrets.ts';
import { boardDescription, measureRequest } from '../../support/fleet.ts';
import { turn } from '../../support/waiting.ts';
import { ask, MemoryStore, memoryFleet } from './support/memory-fleet.ts';

describe('a job', () => {
  it('is cancelled by its signal whatever those who hear of it throw, and they are named in the log', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    under.fleet.subscribe(() => {
      throw new Error('a broken page');
    });
    const controller = new AbortController();
    const measured = under.fleet.measure(agent.deviceId, measureRequest(), {
      ...{ studyId: 's-1', signal: controller.signal },
      onStateChange: () => {
        throw new Error('a broken study');
      },
    });
    const cancelled = assert.rejects(measured, { state: 'cancelled', message: 'no longer' });
    assert.equal(agent.jobs().length, 1);
    // What a listener of a signal throws is caught by nobody.
    controller.abort(new Error('no longer'));
    await cancelled;
    await turn();
    assert.equal(agent.told('cancel').length, 1);
    const log = under.log.join('\n');
    assert.match(log, /what happens in the fleet could not be told: a broken page/);
    assert.match(log, /a job of the fleet has met a fault of EdgeTune: a broken study/);
  });

  it('is begun anew where the coordinator’s own machine could not be had for it', async () => {
    let fails = true;
    const hostLease = createHostLease(() => {
      if (fails) throw new Error('no more processes');
      return () => {};
    });
    const under = await memoryFleet({ hostLease });
    const agent = await under.join('this-machine', boardDescription({ machineId: 'machine-of-the-coordinator' }));
    const asked = ask(under, agent);
    agent.update(agent.job(), 'running');
    await turn();
    fails = false;
    under.clock.advance(0);
    await turn();
    assert.equal(agent.job().attempt, 2);
    agent.update(agent.job(), 'running');
    await turn();
    agent.update(agent.job(), 'succeeded');
    assert.ok('measurement' in ((await asked.ended()) ?? {}));
    assert.match(under.log.join('\n'), /a job of the fleet has met a fault of EdgeTune: no more processes/);
  });
});

describe('what an agent says of itself', () => {
  it('is one write, however often it says so while nothing can be written', async () => {
    const store = new MemoryStore();
    const registry = new DeviceRegistry(store.devices, Date.now);
    const { device } = await registry.add('kitchen-pi');
    const writes: (() => Heard)[] = [];
    store.devices.note = async (_id, change) => void writes.push(change);
    const board = boardDescription();
    for (const lastSeenAt of ['one', 'two', 'three']) void registry.heard(device.id, { lastSeenAt });
    void registry.heard(device.id, { board });
    assert.equal(writes.length, 1);
    assert.deepEqual(writes[0]?.(), { lastSeenAt: 'three', board });
    assert.equal(registry.get(device.id)?.lastSeenAt, 'three', 'it counts at once');
    void registry.heard(device.id, { lastSeenAt: 'four' });
    assert.deepEqual(writes[1]?.(), { lastSeenAt: 'four' });
  });
});

describe('a credential', () => {
  it('is refused, and nothing else, where its row in the database is damaged', () => {
    const secret = newSecret();
    assert.equal(matchesHash(secret, hashSecret(secret)), true);
    for (const damaged of ['', 'abcd', `${hashSecret(secret)}00`, 'not hexadecimal'])
      assert.equal(matchesHash(secret, damaged), false, damaged);
  });
});
