/** Two boards with one credential: who is refused, in whose name, and for how long. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import { boardDescription, measureRequest } from '../../support/fleet.ts';
import { turn } from '../../support/waiting.ts';
import { ask, fence, MemoryAgent, type MemoryFleet, memoryFleet } from './support/memory-fleet.ts';

const GONE_MS = 2 * 60_000;
const PI_5 = boardDescription({ hardware: 'serial A' });
const PI_4 = boardDescription({ model: 'Raspberry Pi 4 Model B Rev 1.4', hardware: 'serial B' });
const FIRST = 'Raspberry Pi 5 Model B Rev 1.0, serial A';
const SECOND = 'Raspberry Pi 4 Model B Rev 1.4, serial B';

/** A board, and one that was started from a copy of its card. */
async function cloned(first = PI_5, second = PI_4) {
  const under = await memoryFleet();
  const agent = await under.join('kitchen-pi', first);
  const clone = new MemoryAgent(agent.deviceId, under.client, second);
  clone.sessionId = 'session-of-the-clone';
  return { under, agent, clone };
}

/** The broker lets it in, and ends the other's session. */
function comesIn(agent: MemoryAgent, other: MemoryAgent, jobs: Parameters<MemoryAgent['hello']>[0] = []): void {
  agent.status('online');
  other.status('offline');
  agent.hello(jobs);
}

const view = ({ fleet }: MemoryFleet) => fleet.device('kitchen-pi');
const told = (agent: MemoryAgent) =>
  agent
    .told('shared-credential')
    .map(({ sessionId, refused, first, second }) => ({ sessionId, refused, first, second }));

describe('a second board with the credential of another', () => {
  it('is refused by name, on the page, in the log and to both boards; the first goes on with its job', async () => {
    const { under, agent, clone } = await cloned();
    const asked = ask(under, agent);
    const job = agent.job();
    agent.update(job, 'accepted');
    comesIn(clone, agent);
    assert.equal(view(under)?.presence, 'offline', 'the one that is there is not it');
    assert.deepEqual(view(under)?.board, PI_5);
    comesIn(agent, clone, [fence(job)]);
    assert.equal(view(under)?.presence, 'busy');
    const { first, second } = view(under)?.sharedCredential ?? {};
    assert.deepEqual([first, second], [FIRST, SECOND]);
    assert.deepEqual(told(agent), [
      { sessionId: clone.sessionId, refused: true, first: FIRST, second: SECOND },
      { sessionId: agent.sessionId, refused: false, first: FIRST, second: SECOND },
    ]);
    assert.match(
      under.log.join(),
      /two boards use the credential of kitchen-pi: .*serial A \(first\) and .*serial B, which is refused\. To mend it, join the second under a name of its own: run "edgetune device add kitchen-pi-2"/,
    );
    agent.update(job, 'succeeded', { board: PI_5 });
    assert.ok('measurement' in ((await asked.ended()) ?? {}));
  });

  it('has no word: what it reports is neither kept nor acknowledged, and no job is sent to it', async () => {
    const { under, agent, clone } = await cloned();
    comesIn(clone, agent);
    const before = agent.jobs().length;
    const asked = ask(under, agent);
    const copied: Job = {
      ...{ jobId: 'j-copied', attempt: 1, leaseToken: 'x', stepTimeoutMs: 1, waitForHost: false },
      request: measureRequest(),
    };
    const updateId = clone.update(copied, 'succeeded');
    await turn();
    assert.deepEqual(under.store.measurements, []);
    assert.ok(!agent.acknowledged().includes(updateId), 'it keeps it');
    assert.equal(agent.jobs().length, before);
    assert.equal(await asked.ended(), null);
    comesIn(agent, clone);
    assert.equal(agent.jobs().length, before + 1);
  });

  it('takes the place of one that is gone, which the log says; that one is the second when it comes back', async () => {
    const { under, agent, clone } = await cloned();
    comesIn(clone, agent);
    clone.status('offline');
    under.clock.advance(GONE_MS - 1);
    comesIn(clone, agent);
    assert.equal(view(under)?.presence, 'offline');
    under.clock.advance(1);
    comesIn(clone, agent);
    assert.equal(view(under)?.presence, 'online');
    assert.deepEqual([view(under)?.board, view(under)?.sharedCredential], [PI_4, undefined]);
    assert.match(under.log.join(), /kitchen-pi is another board now: .*serial B has taken the place of .*serial A/);
    comesIn(agent, clone);
    const { first, second } = view(under)?.sharedCredential ?? {};
    assert.deepEqual([first, second], [SECOND, FIRST]);
  });

  it('is forgotten when it joins under a name of its own, and when nothing was heard of it for long', async () => {
    const { under, agent, clone } = await cloned();
    comesIn(clone, agent);
    comesIn(agent, clone);
    assert.ok(view(under)?.sharedCredential);
    await under.join('kitchen-pi-2', PI_4);
    assert.equal(view(under)?.sharedCredential, undefined);
    comesIn(clone, agent);
    assert.ok(view(under)?.sharedCredential);
    under.clock.advance(31 * 60_000);
    assert.equal(view(under)?.sharedCredential, undefined);
  });

  it('takes the place at once with a word: a new token for this device', async () => {
    const { under, agent, clone } = await cloned();
    const { token } = await under.fleet.renewToken('kitchen-pi');
    await under.fleet.enroll({ token, board: PI_4 });
    comesIn(clone, agent);
    assert.deepEqual([view(under)?.presence, view(under)?.board], ['online', PI_4]);
  });
});

describe('boards that do not tell which piece of hardware they are', () => {
  const same = boardDescription();

  it('are two where a session comes back after another had its place: the one that came later is refused', async () => {
    const { under, agent, clone } = await cloned(same, same);
    comesIn(clone, agent);
    assert.equal(view(under)?.sharedCredential, undefined, 'it may have been started anew');
    comesIn(agent, clone);
    assert.ok(view(under)?.sharedCredential);
    comesIn(clone, agent);
    assert.deepEqual(
      told(agent).map(({ sessionId, refused }) => [sessionId, refused]),
      [
        [agent.sessionId, false],
        [clone.sessionId, true],
      ],
    );
    assert.equal(view(under)?.presence, 'offline');
  });

  it('are one that was started again, and again', async () => {
    const { under, agent } = await cloned(same, same);
    for (const sessionId of ['a', 'b', 'c']) {
      agent.status('offline');
      agent.sessionId = sessionId;
      agent.status('online');
      agent.hello();
      agent.hello();
    }
    assert.equal(view(under)?.presence, 'online');
    assert.deepEqual([view(under)?.sharedCredential, told(agent)], [undefined, []]);
  });
});
