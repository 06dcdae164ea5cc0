/** What a board is now, before what was measured of it earlier is reused. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { deviceClassOf } from '@edgetune/shared/domain/device.ts';
import { boardDescription } from '../../support/fleet.ts';
import { turn, within } from '../../support/waiting.ts';
import { ask, type MemoryAgent, type MemoryFleet, memoryFleet } from './support/memory-fleet.ts';

const ANSWER_MS = 15_000;
const maxn = boardDescription({ powerMode: 'MAXN' });
const described = ({ fleet }: MemoryFleet, { deviceId }: MemoryAgent) =>
  within('the board to be described', fleet.described(deviceId));

it('it is asked, and is of the class that it says; who asks meanwhile waits for the same answer', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  const answers = Promise.all([described(under, agent), described(under, agent)]);
  assert.equal(agent.told('greet').length, 1);
  agent.board = maxn;
  agent.hello();
  assert.deepEqual(
    (await answers).map((device) => [device?.name, device?.deviceClass]),
    [1, 2].map(() => ['kitchen-pi', deviceClassOf(maxn)]),
  );
  assert.equal(under.clock.waiting, 0);
  void described(under, agent);
  assert.equal(agent.told('greet').length, 2, 'it may have changed since');
  await under.fleet.stop();
});

it('one that does not answer has no class, which the log says', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  const answer = described(under, agent);
  under.clock.advance(ANSWER_MS);
  assert.deepEqual([(await answer)?.deviceClass, (await answer)?.board], [null, boardDescription()]);
  assert.match(under.log.join(), /kitchen-pi does not say what it is now: nothing .* is reused/);
});

it('one that is away, goes away, measures or is simulated is what it said last', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  const classNow = deviceClassOf(boardDescription());
  const going = described(under, agent);
  agent.status('offline');
  assert.equal((await going)?.deviceClass, classNow);
  assert.equal((await described(under, agent))?.deviceClass, classNow);
  const busy = await under.join('garage-pi');
  ask(under, busy);
  assert.equal((await described(under, busy))?.deviceClass, classNow);
  const simulated = { profile: 'raspberry-pi-5', timeScale: 0, latencyMape: null };
  const made = await under.join('made-up-pi', boardDescription({ simulated }));
  assert.equal((await described(under, made))?.name, 'made-up-pi');
  assert.deepEqual(
    [agent, busy, made].map((each) => each.told('greet').length),
    [1, 0, 0],
  );
});

it('one that is removed is none', async () => {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi');
  const answer = described(under, agent);
  const removed = under.fleet.remove('kitchen-pi');
  assert.equal(await answer, null);
  await removed;
  await turn();
  assert.equal(await described(under, agent), null);
});
