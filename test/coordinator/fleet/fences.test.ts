/** What an agent says of a job counts only where it is the right agent, the right run, the right question, and in time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import { boardDescription, measurementFor, measureRequest } from '../../support/fleet.ts';
import { turn } from '../../support/waiting.ts';
import { ask, fence, type MemoryFleet, MemoryStore, memoryFleet } from './support/memory-fleet.ts';

const GRACE_MS = 15_000;
const state = ({ store }: MemoryFleet, { jobId }: Pick<Job, 'jobId'>) => store.jobRows.get(jobId)?.state;

/** A device with one job that was sent to it. */
async function withJob(options?: Parameters<typeof memoryFleet>[0]) {
  const under = await memoryFleet(options);
  const agent = await under.join('kitchen-pi');
  const asked = ask(under, agent);
  return { under, agent, asked, job: agent.job() };
}

describe('a fence', () => {
  it('is the lease token: with another one nothing changes, and a result under it is nobody’s', async () => {
    const { under, agent, asked, job } = await withJob();
    const forged = { ...job, leaseToken: 'guessed' };
    for (const said of ['accepted', 'running', 'failed', 'timed-out', 'rejected', 'cancelled'] as const)
      agent.update(forged, said);
    const updateId = agent.update(forged, 'succeeded');
    assert.equal(state(under, job), 'sent');
    assert.equal(await asked.ended(), null);
    assert.deepEqual(under.store.measurements, []);
    assert.match(under.log.join(), /late result of job j-.* dropped: its lease token is not the one of that attempt/);
    assert.ok(agent.acknowledged().includes(updateId), 'else it would be sent for ever');
    // What was dropped does not stand in the way of what is right.
    agent.update(job, 'succeeded');
    assert.ok('measurement' in ((await asked.ended()) ?? {}));
  });

  it('is the attempt: an older one changes nothing, and its result enriches the history only', async () => {
    const { under, agent, asked, job } = await withJob();
    under.clock.advance(job.stepTimeoutMs + GRACE_MS);
    const second = agent.job();
    assert.deepEqual([second.jobId, second.attempt], [job.jobId, 2]);
    for (const said of ['accepted', 'running', 'failed', 'timed-out', 'rejected', 'cancelled'] as const)
      agent.update(job, said);
    agent.update({ ...second, leaseToken: job.leaseToken }, 'failed');
    agent.update({ ...job, leaseToken: second.leaseToken }, 'failed');
    assert.equal(state(under, job), 'sent');
    agent.update(job, 'succeeded');
    assert.equal(await asked.ended(), null);
    assert.deepEqual(
      under.store.measurements.map(({ id }) => id),
      [`m-${job.jobId}-1`],
    );
    agent.update(second, 'succeeded');
    const ended = await asked.ended();
    assert.ok(ended && 'measurement' in ended);
    assert.equal(ended.measurement.id, `m-${job.jobId}-2`);
    assert.equal(under.store.measurements.length, 1);
  });

  it('is the attempt: one that was never made has no result', async () => {
    const { under, agent, job } = await withJob();
    agent.update({ ...job, attempt: 2 }, 'succeeded');
    assert.deepEqual(under.store.measurements, []);
    assert.match(under.log.join(), /dropped: attempt 2 was never made/);
    assert.equal(state(under, job), 'sent');
  });

  it('is the device: another one can neither end a job nor answer it, nor keep its own device from it', async () => {
    const { under, agent, asked, job } = await withJob();
    const other = await under.join('garage-pi');
    const own = ask(under, other);
    other.update(job, 'failed');
    other.update(job, 'succeeded');
    assert.deepEqual([state(under, job), state(under, other.job())], ['sent', 'sent']);
    assert.equal(await asked.ended(), null);
    assert.deepEqual(under.store.measurements, []);
    assert.match(under.log.join(), /garage-pi: a late result of job j-.* was dropped: the job is another device’s/);
    asked.abort('not needed');
    agent.update(job, 'succeeded');
    assert.deepEqual(
      under.store.measurements.map(({ id, deviceName }) => [id, deviceName]),
      [[`m-${job.jobId}-1`, 'kitchen-pi']],
    );
    other.update(other.job(), 'succeeded');
    assert.ok('measurement' in ((await own.ended()) ?? {}));
  });

  it('is the job: a result of one that the journal has no more is kept for nobody’s study', async () => {
    const { under, agent, job } = await withJob();
    agent.update({ ...job, jobId: 'j-of-last-year' }, 'succeeded');
    assert.deepEqual(
      under.store.measurements.map(({ id, studyId, deviceId }) => [id, studyId, deviceId]),
      [['m-j-of-last-year-1', null, agent.deviceId]],
    );
    assert.equal(state(under, job), 'sent');
  });
});

describe('an answer to another question', () => {
  const asked = measureRequest();
  const others = {
    model: { modelSha256: 'b'.repeat(64) },
    architecture: { signature: 'signature-b' },
    'inference config': { config: { ...asked.config, batchSize: 2 } },
    precision: { config: { ...asked.config, precision: 'int8' } },
    scenario: { scenario: { kind: 'offline' } },
  } as const;
  for (const [what, change] of Object.entries(others)) {
    it(`fails the job and is not kept: another ${what}`, async () => {
      const { under, agent, asked: waiting, job } = await withJob();
      agent.update(job, 'succeeded', { measurement: measurementFor(measureRequest(change)) });
      const ended = await waiting.ended();
      assert.ok(ended && 'error' in ended);
      assert.deepEqual([ended.error.name, ended.error.state], ['JobFailedError', 'failed']);
      assert.match(ended.error.message, /measured another model, inference config or scenario than it was asked for/);
      assert.deepEqual(
        [state(under, job), under.store.jobRows.get(job.jobId)?.reason],
        ['failed', ended.error.message],
      );
      assert.deepEqual(under.store.measurements, []);
    });

    it(`is dropped where it comes late: another ${what}; the right one is kept then`, async () => {
      const { under, agent, asked: waiting, job } = await withJob();
      waiting.abort('not needed');
      agent.update(job, 'succeeded', { measurement: measurementFor(measureRequest(change)) });
      assert.deepEqual(under.store.measurements, []);
      assert.match(under.log.join(), /a late result of job .* was dropped: the agent measured another/);
      agent.update(job, 'succeeded');
      assert.equal(under.store.measurements.length, 1);
    });
  }

  it('is none: success without a measurement', async () => {
    const { under, agent, asked: waiting, job } = await withJob();
    agent.update(job, 'succeeded', { measurement: null });
    const ended = await waiting.ended();
    assert.ok(ended && 'error' in ended);
    assert.deepEqual(
      [state(under, job), ended.error.message],
      ['failed', 'the agent reported success without a measurement'],
    );
  });
});

describe('the states of a job', () => {
  it('do not go backwards, and each is in the journal before it is told', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const journal: (string | undefined)[] = [];
    const controller = new AbortController();
    const result = under.fleet.measure(agent.deviceId, measureRequest(), {
      studyId: null,
      signal: controller.signal,
      onStateChange: () => void journal.push([...under.store.jobRows.values()][0]?.state),
    });
    const job = agent.job();
    for (const said of ['accepted', 'accepted', 'running', 'accepted', 'running', 'running'] as const)
      agent.update(job, said);
    assert.deepEqual(journal, ['queued', 'sent', 'accepted', 'running']);
    agent.update(job, 'succeeded');
    for (const said of ['accepted', 'running', 'failed', 'cancelled'] as const) agent.update(job, said);
    await result;
    assert.deepEqual(journal, ['queued', 'sent', 'accepted', 'running', 'succeeded']);
    assert.equal(state(under, job), 'succeeded');
    assert.equal(under.store.jobRows.get(job.jobId)?.reason, null);
  });

  it('may be left out: what is not heard was', async () => {
    for (const said of [[], ['accepted'], ['running']] as const) {
      const { agent, asked, job } = await withJob();
      for (const each of said) agent.update(job, each);
      agent.update(job, 'succeeded');
      assert.ok('measurement' in ((await asked.ended()) ?? {}));
      assert.deepEqual(asked.states, ['queued', 'sent', ...said, 'succeeded']);
    }
  });

  it('end once: what comes after the end is acknowledged and changes nothing', async () => {
    for (const end of ['failed', 'timed-out', 'rejected', 'cancelled'] as const) {
      const { under, agent, asked, job } = await withJob();
      agent.update(job, end, { reason: 'as it is' });
      const late = agent.update(job, 'failed', { reason: 'otherwise' });
      await turn();
      const ended = await asked.ended();
      assert.ok(ended && 'error' in ended);
      assert.deepEqual([ended.error.state, ended.error.message], [end, 'as it is']);
      assert.deepEqual([state(under, job), under.store.jobRows.get(job.jobId)?.reason], [end, 'as it is']);
      assert.ok(agent.acknowledged().includes(late));
    }
  });

  it('have a reason also where the agent gives none', async () => {
    const { agent, asked, job } = await withJob();
    agent.update(job, 'rejected');
    const ended = await asked.ended();
    assert.equal(ended && 'error' in ended && ended.error.message, 'the agent reported the job as rejected');
  });
});

describe('silence', () => {
  for (const said of [[], ['accepted'], ['accepted', 'running']] as const) {
    const after = said.at(-1) ?? 'nothing';
    it(`after ${after} is borne as long as a step may take; then the job begins anew, twice, and fails`, async () => {
      const { under, agent, asked } = await withJob();
      for (const attempt of [1, 2, 3]) {
        const job = agent.job();
        assert.equal(job.attempt, attempt);
        for (const each of said) {
          under.clock.advance(job.stepTimeoutMs + GRACE_MS - 1);
          agent.update(job, each);
        }
        under.clock.advance(job.stepTimeoutMs + GRACE_MS - 1);
        assert.equal(state(under, job), said.at(-1) ?? 'sent');
        assert.equal(agent.told('cancel').length, attempt - 1);
        under.clock.advance(1);
        const cancel = agent.told('cancel').at(-1);
        assert.deepEqual(cancel && fence(cancel), fence(job), 'should it be at it after all');
        assert.equal(cancel?.reason, 'its agent did not report for 135 s');
      }
      const ended = await asked.ended();
      assert.ok(ended && 'error' in ended);
      assert.equal(ended.error.state, 'failed');
      assert.match(
        ended.error.message,
        /^the job was lost 3 times; the last time its agent did not report for \d+ s: look after its power supply and network$/,
      );
      assert.deepEqual(asked.states, [
        ...[...Array(2)].flatMap(() => ['queued', 'sent', ...said]),
        ...['queued', 'sent', ...said, 'failed'],
      ]);
      assert.equal(under.fleet.device('kitchen-pi')?.runningJobs, 0);
    });
  }

  it('is measured by how much there is to load and to measure', async () => {
    const under = await memoryFleet();
    const agent = await under.join('kitchen-pi');
    const { stopRule } = measureRequest();
    ask(under, agent, measureRequest({ modelBytes: 5_000_000, stopRule: { ...stopRule, maxDurationMs: 7000 } }));
    // A minute, 5 MB at 100 kB/s, and the window twice.
    assert.equal(agent.job().stepTimeoutMs, 60_000 + 50_000 + 14_000);
  });

  it('a result that comes after it is kept, and the job goes on with its next attempt', async () => {
    const { under, agent, asked, job } = await withJob();
    under.clock.advance(job.stepTimeoutMs + GRACE_MS);
    agent.update(job, 'succeeded');
    assert.equal(under.store.measurements.length, 1);
    agent.update(agent.job(), 'succeeded');
    const ended = await asked.ended();
    assert.equal(ended && 'measurement' in ended && ended.measurement.id, `m-${job.jobId}-2`);
  });

  it('a result that comes when the job has failed by it is kept, and the job stays failed', async () => {
    const { under, agent, asked } = await withJob();
    for (let attempt = 0; attempt < 3; attempt++) under.clock.advance(agent.job().stepTimeoutMs + GRACE_MS);
    const last = agent.job();
    assert.equal(state(under, last), 'failed');
    agent.update(last, 'succeeded');
    assert.deepEqual(
      under.store.measurements.map(({ id, studyId }) => [id, studyId]),
      [[`m-${last.jobId}-3`, 'study-1']],
    );
    assert.equal(state(under, last), 'failed');
    assert.ok('error' in ((await asked.ended()) ?? {}));
  });
});

describe('after a cancellation', () => {
  it('the device is free when its agent says how the job ended, whatever it says', async () => {
    for (const said of ['cancelled', 'failed', 'timed-out', 'rejected', 'succeeded'] as const) {
      const { under, agent, asked, job } = await withJob();
      const next = ask(under, agent, measureRequest({ signature: 'next' }));
      asked.abort('the trial was stopped');
      assert.equal(state(under, job), 'cancelled');
      assert.deepEqual(agent.told('cancel').map(fence), [fence(job)]);
      for (const early of ['accepted', 'running'] as const) agent.update(job, early);
      assert.equal(agent.jobs().length, 1, 'it is at it still');
      agent.update(job, said);
      assert.equal(agent.job().request.signature, 'next');
      assert.equal(state(under, job), 'cancelled');
      assert.equal(under.store.measurements.length, said === 'succeeded' ? 1 : 0);
      agent.update(agent.job(), 'succeeded');
      assert.ok('measurement' in ((await next.ended()) ?? {}));
      const ended = await asked.ended();
      assert.ok(ended && 'error' in ended);
      assert.deepEqual([ended.error.state, ended.error.message], ['cancelled', 'the trial was stopped']);
    }
  });

  it('of a silent agent the device is free after ten seconds, not before; its result is kept even then', async () => {
    const { under, agent, asked, job } = await withJob();
    ask(under, agent, measureRequest({ signature: 'next' }));
    asked.abort('stop');
    under.clock.advance(9999);
    assert.equal(agent.jobs().length, 1);
    under.clock.advance(1);
    assert.equal(agent.jobs().length, 2);
    agent.update(job, 'succeeded');
    assert.equal(under.store.measurements.length, 1);
    assert.equal(state(under, agent.job()), 'sent');
  });

  it('of an agent that goes away the device is free when it is back; a job that it holds still is cancelled again', async () => {
    const { under, agent, asked, job } = await withJob();
    ask(under, agent, measureRequest({ signature: 'next' }));
    asked.abort('stop');
    agent.reconnect([fence(job)]);
    assert.deepEqual(agent.told('cancel').map(fence), [fence(job), fence(job)]);
    assert.equal(agent.job().request.signature, 'next');
  });

  it('of a job that waits its turn nothing is said to the agent', async () => {
    const { under, agent, job } = await withJob();
    const waiting = ask(under, agent, measureRequest({ signature: 'waiting' }));
    const last = ask(under, agent, measureRequest({ signature: 'last' }));
    waiting.abort('stop');
    assert.equal(under.fleet.device('kitchen-pi')?.queuedJobs, 1);
    assert.deepEqual(agent.told('cancel'), []);
    assert.deepEqual(waiting.states, ['queued', 'cancelled']);
    agent.update(job, 'succeeded');
    assert.equal(agent.job().request.signature, 'last');
    agent.update(agent.job(), 'succeeded');
    assert.ok('measurement' in ((await last.ended()) ?? {}));
  });
});

describe('the same result twice', () => {
  it('counts once, and is acknowledged twice', async () => {
    const { under, agent, asked, job } = await withJob();
    const updates = [1, 2].map(() => agent.update(job, 'succeeded'));
    const ended = await asked.ended();
    assert.ok(ended && 'measurement' in ended);
    assert.equal(ended.measurement.id, `m-${job.jobId}-1`);
    await turn();
    assert.deepEqual(agent.acknowledged(), updates);
    assert.deepEqual(under.store.measurements, []);
    assert.deepEqual(asked.states, ['queued', 'sent', 'succeeded']);
  });

  it('too late, it is kept once', async () => {
    const { under, agent, asked, job } = await withJob();
    asked.abort('stop');
    for (let count = 0; count < 3; count++) agent.update(job, 'succeeded');
    assert.equal(under.store.measurements.length, 1);
  });

  it('with a restart of the coordinator between is one measurement of the history: its id is the same', async () => {
    const store = new MemoryStore();
    const before = await withJob({ store });
    before.agent.update(before.job, 'succeeded');
    const ended = await before.asked.ended();
    assert.ok(ended && 'measurement' in ended);
    const after = await memoryFleet({ store });
    before.agent.say(`edgetune/devices/${before.agent.deviceId}/status`, '', { from: after.client });
    const agent = Object.assign(before.agent, { client: after.client });
    agent.hello();
    agent.update(before.job, 'succeeded');
    assert.deepEqual(store.measurements, [ended.measurement]);
    assert.equal(state(after, before.job), 'succeeded');
  });
});

describe('a restart of the coordinator', () => {
  it('cancels what was under way; a result of before is kept, a forged one and any other word are not', async () => {
    const store = new MemoryStore();
    const before = await withJob({ store });
    const { job, agent } = before;
    const waiting = ask(before.under, agent);
    agent.update(job, 'running');
    assert.deepEqual(
      [...store.jobRows.values()].map((row) => row.state),
      ['running', 'queued'],
    );
    // It is killed: nothing is said, and nothing heard any more.
    const after = await memoryFleet({ store });
    assert.deepEqual(
      [...store.jobRows.values()].map((row) => [row.state, row.reason]),
      [1, 2].map(() => ['cancelled', 'the coordinator was restarted']),
    );
    Object.assign(agent, { client: after.client });
    assert.deepEqual(agent.told('cancel').map(fence).slice(0, 1), [fence(job)]);
    assert.equal(await waiting.ended(), null);
    agent.hello([fence(job)]);
    assert.deepEqual(agent.told('cancel').map(fence).at(-1), fence(job));
    const next = ask(after, agent, measureRequest({ signature: 'next' }));
    for (const said of ['running', 'failed'] as const) agent.update(job, said);
    agent.update({ ...job, leaseToken: 'guessed' }, 'succeeded');
    assert.deepEqual([state(after, job), state(after, agent.job()), store.measurements], ['cancelled', 'sent', []]);
    agent.update(job, 'succeeded');
    assert.deepEqual(
      store.measurements.map(({ id, studyId }) => [id, studyId]),
      [[`m-${job.jobId}-1`, 'study-1']],
    );
    assert.equal(state(after, job), 'cancelled');
    agent.update(agent.job(), 'succeeded');
    assert.ok('measurement' in ((await next.ended()) ?? {}));
  });
});

describe('the class of a measurement', () => {
  const MAXN = { powerMode: 'MAXN', physicalCores: 8, kernel: '7.0' };
  const classOf = (change: object) => deviceClassOf(boardDescription(change));

  it('is what the board was while it was measured, also where its hello is older or newer', async () => {
    const { under, agent, asked, job } = await withJob();
    agent.update(job, 'succeeded', { board: boardDescription(MAXN) });
    const ended = await asked.ended();
    assert.ok(ended && 'measurement' in ended);
    assert.equal(ended.measurement.deviceClass, classOf(MAXN));
    agent.board = boardDescription(MAXN);
    agent.hello();
    agent.update({ ...job, jobId: 'j-of-before' }, 'succeeded', { board: boardDescription() });
    assert.deepEqual(
      under.store.measurements.map(({ deviceClass }) => deviceClass),
      [classOf({})],
    );
  });

  it('is what it said in its hello where the report does not tell', async () => {
    const { agent, asked, job } = await withJob();
    agent.board = boardDescription(MAXN);
    agent.hello([fence(job)]);
    agent.update(job, 'succeeded');
    const ended = await asked.ended();
    assert.ok(ended && 'measurement' in ended);
    assert.equal(ended.measurement.deviceClass, classOf(MAXN));
  });

  it('is of no other board: what one has measured whose outbox was moved answers nothing, and is kept as that one’s', async () => {
    const { under, agent, asked, job } = await withJob();
    const board = boardDescription({ model: 'Raspberry Pi 4 Model B Rev 1.4' });
    const late = agent.update({ ...job, jobId: 'j-of-before' }, 'succeeded', { board });
    agent.update({ ...job, jobId: 'j-of-before' }, 'succeeded', { board });
    agent.update(job, 'succeeded', { board });
    agent.update({ ...job, jobId: 'j-that-failed' }, 'failed', { board });
    const ended = await asked.ended();
    assert.ok(ended && 'error' in ended);
    assert.equal(
      ended.error.message,
      'the report comes from another board (Raspberry Pi 4 Model B Rev 1.4) than the one that is connected as kitchen-pi (Raspberry Pi 5 Model B Rev 1.0)',
    );
    await turn();
    const ofPi4 = classOf({ model: 'Raspberry Pi 4 Model B Rev 1.4' });
    assert.deepEqual(
      under.store.measurements.map(({ id, deviceClass }) => [id, deviceClass]),
      [
        [`m-j-of-before-${job.attempt}`, ofPi4],
        [`m-${job.jobId}-${job.attempt}`, ofPi4],
      ],
      'each once',
    );
    assert.match(
      under.log.join(),
      /kitchen-pi: the report comes from another board .*is kept as one of a Raspberry Pi 4/,
    );
    assert.ok(agent.acknowledged().includes(late), 'else it would be sent for ever');
  });
});
