/** Boards that say hello and are none of the fleet's: told to people and to the board, and made to forget nothing. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StrangerView } from '@edgetune/shared/protocol/http.ts';
import { openProof, type Proof } from '@edgetune/shared/protocol/signed.ts';
import { boardDescription } from '../../support/fleet.ts';
import { MemoryAgent, memoryFleet } from './support/memory-fleet.ts';

const OTHER = { id: 'c-ffffffffffffffff', publicKey: `${'A'.repeat(59)}=` };

it('a board of another coordinator, or of lost data, is not answered that it was removed', async () => {
  const { fleet, client, log, identity } = await memoryFleet();
  const changes: StrangerView[][] = [];
  fleet.subscribe((change) => change.type === 'strangers' && changes.push(change.strangers));
  const own = identity.coordinator.id;
  const says = [
    [OTHER, /it has joined the coordinator c-f{16}: is this the right data directory\?/],
    [identity.coordinator, /it has joined this coordinator, whose data were lost since, or are of an older backup/],
    [undefined, /\) does not know says hello: is this the right data directory\?/],
  ] as const;
  for (const [index, [coordinator, words]] of says.entries()) {
    const agent = new MemoryAgent(`d-00000000000${index}`, client as never);
    agent.status('online');
    agent.hello([], undefined, coordinator);
    assert.deepEqual(agent.told('removed'), []);
    assert.deepEqual(agent.told('unknown'), [{ type: 'unknown', coordinator: own }]);
    assert.match(log.at(-1) ?? '', words);
    assert.match(
      log.at(-1) ?? '',
      new RegExp(`^warn: a board with id ${agent.deviceId} \\(Raspberry Pi 5 .*\\(${own}\\)`),
    );
  }
  assert.equal(log.length, 3);
  assert.deepEqual(
    fleet.strangers().map(({ deviceId, model, coordinator }) => [deviceId, model, coordinator]),
    [OTHER.id, own, null].map((id, index) => [`d-00000000000${index}`, boardDescription().model, id]),
  );
  assert.deepEqual(changes.at(-1), fleet.strangers());
});

it('one that has said hello before this coordinator listened is asked to say it again', async () => {
  const { client, fleet } = await memoryFleet();
  const agent = new MemoryAgent('d-000000000001', client as never);
  agent.status('offline', { retain: true });
  agent.status('online');
  assert.deepEqual(client.published, []);
  agent.status('online', { retain: true });
  assert.deepEqual([agent.told('greet').length, fleet.strangers()], [1, []]);
});

it('a member that knows another coordinator as its own is told of, and stays one', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  for (const coordinator of [under.identity.coordinator, null, undefined]) agent.hello([], undefined, coordinator);
  assert.deepEqual(under.log, []);
  agent.hello([], undefined, OTHER);
  assert.match(
    under.log.join(),
    /^warn: kitchen-pi has joined the coordinator c-f{16}, and this is c-0123456789abcdef: .*--renew/,
  );
  assert.equal(under.fleet.device('kitchen-pi')?.presence, 'online');
  assert.deepEqual([agent.told('removed'), agent.told('unknown'), under.fleet.strangers()], [[], [], []]);
});

it('one that was removed here while it was away hears it when it is back, in this coordinator’s word', async () => {
  const { fleet, join, identity } = await memoryFleet();
  const agent = await join('kitchen-pi');
  agent.status('offline');
  await fleet.remove('kitchen-pi');
  agent.hello([], undefined, identity.coordinator);
  const told = agent.told('removed');
  assert.equal(told.length, 2);
  for (const { proof } of told) {
    const { statement } = openProof(identity.coordinator, proof as Proof, 'removal');
    assert.equal(statement.deviceId, agent.deviceId);
  }
  fleet.heardStranger(agent.deviceId);
  assert.deepEqual(fleet.strangers(), [], 'it is none');
});

it('one that is not let in is known by its id, until it joins; what is no id of a device is none', async () => {
  const { fleet, client, log } = await memoryFleet();
  fleet.heardStranger('d-00000000000a');
  for (const id of ['admin', '', 'd-', '../x', 'd-00000000000a\n']) fleet.heardStranger(id);
  assert.deepEqual(
    fleet.strangers().map(({ deviceId, model }) => [deviceId, model]),
    [['d-00000000000a', null]],
  );
  assert.equal(log.length, 1);
  new MemoryAgent('d-00000000000a', client as never).hello();
  fleet.heardStranger('d-00000000000a');
  assert.equal(fleet.strangers()[0]?.model, boardDescription().model);
  const { token } = await fleet.addDevice('kitchen-pi');
  await fleet.enroll({ token, board: boardDescription({ machineId: 'another' }) });
  assert.equal(fleet.strangers().length, 1);
  await fleet.enroll({ token: (await fleet.renewToken('kitchen-pi')).token, board: boardDescription() });
  assert.deepEqual(fleet.strangers(), []);
});

it('of more than fifty those that were not heard for longest are forgotten', async () => {
  const { fleet } = await memoryFleet();
  const id = (index: number) => `d-${String(index).padStart(12, '0')}`;
  for (let index = 0; index < 50; index++) fleet.heardStranger(id(index));
  fleet.heardStranger(id(0));
  fleet.heardStranger(id(50));
  const ids = fleet.strangers().map(({ deviceId }) => deviceId);
  assert.deepEqual(
    [ids.length, ids[0], ids.includes(id(0)), ids.includes(id(1)), ids.at(-1)],
    [50, id(2), true, false, id(50)],
  );
});
