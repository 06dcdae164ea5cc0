import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { type Job, measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import type { JobUpdateMessage } from '@edgetune/shared/protocol/messages.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { JobJournal } from '../../../agent/session/job-journal.ts';
import { JobRunner, type Measure } from '../../../agent/session/job-runner.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import { measurementFor } from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, turn, until, untilAborted } from '../../support/waiting.ts';

const request = measureRequestSchema.parse({
  kind: 'measure',
  modelSha256: 'a'.repeat(64),
  modelBytes: 1,
  signature: 's',
  config: { batchSize: 1, threads: 1 },
  scenario: { kind: 'single-stream' },
  stopRule: {},
});
const job = (jobId: string, stepTimeoutMs = 60_000): Job => ({
  jobId,
  attempt: 1,
  leaseToken: 'lease',
  stepTimeoutMs,
  waitForHost: false,
  request,
});

function runner(t: TestContext, measure: Measure, folder = temporaryFolder(t)) {
  const sent: JobUpdateMessage[] = [];
  const outbox = new Outbox(
    folder,
    plainLogger(() => {}),
  );
  const journal = new JobJournal(
    join(folder, 'jobs'),
    plainLogger(() => {}),
  );
  t.after(async () => {
    // What a test has left running would keep the process alive until its step is over.
    await jobs.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const listeners = new Set<() => void>();
  const jobs = new JobRunner({
    measure,
    outbox,
    journal,
    send: (update) => {
      sent.push(update);
      for (const listener of listeners) listener();
    },
  });
  const states = () => sent.map(({ jobId, state }) => `${jobId} ${state}`);
  const untilSent = (state: string) =>
    until(`the agent to say "${state}"`, () => states().includes(state), {
      changes: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    });
  return { jobs, outbox, journal, sent, until: untilSent, states, folder };
}
/** Goes on until it is stopped. */
const never: Measure = (_request, signal) => untilAborted(signal);
const ok: Measure = async ({ request: asked }, _signal, mayBegin) => {
  await mayBegin();
  return measurementFor(asked);
};

describe('the agent’s jobs', () => {
  it('leave room between two of them for something else', async (t) => {
    let begin = new Arrival('the test to let the job begin');
    const done: string[] = [];
    const { jobs, until } = runner(t, async (...given) => {
      begin = new Arrival('the test to let the job begin');
      await begin.wait();
      const measurement = await ok(...given);
      done.push('a job');
      return measurement;
    });
    jobs.accept(job('j1'));
    jobs.accept(job('j2'));
    const between = jobs.between(async () => {
      done.push('something else');
    });
    begin.come();
    await between;
    assert.deepEqual(done, ['a job', 'something else']);
    begin.come();
    await until('j2 succeeded');
    await assert.rejects(
      jobs.between(() => Promise.reject(new Error('no'))),
      /no/,
    );
    jobs.accept(job('j3'));
    begin.come();
    await until('j3 succeeded');
  });

  it('give the coordinator’s machine back between two windows', async (t) => {
    const { jobs, until, states } = runner(t, async ({ request: asked }, _signal, mayBegin, onProgress) => {
      await mayBegin();
      onProgress();
      onProgress();
      await mayBegin();
      return measurementFor(asked);
    });
    jobs.accept({ ...job('j1'), waitForHost: true });
    await until('j1 running');
    jobs.proceed(job('j1'));
    await turn();
    jobs.proceed(job('j1'));
    await until('j1 succeeded');
    const [accepted, running] = ['j1 accepted', 'j1 running'];
    assert.deepEqual(states(), [accepted, running, accepted, running, 'j1 succeeded']);
  });

  it('have all the time there is while others hold the coordinator’s machine', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { jobs, until, sent } = runner(t, async (_request, signal, mayBegin) => {
      await mayBegin();
      return never(_request, signal, mayBegin, () => {});
    });
    jobs.accept({ ...job('j1', 1000), waitForHost: true });
    await until('j1 running');
    t.mock.timers.tick(3_600_000);
    jobs.proceed(job('j1'));
    await turn();
    t.mock.timers.tick(999);
    assert.deepEqual(jobs.open().length, 1);
    t.mock.timers.tick(1);
    await until('j1 timed-out');
    assert.match(sent.at(-1)?.reason ?? '', /within 1 s/);
  });

  it('run one after the other and are answered from the outbox until acknowledged, also after a restart', async (t) => {
    const first = runner(t, ok);
    first.jobs.accept(job('j1'));
    first.jobs.accept(job('j2'));
    await first.until('j2 succeeded');
    assert.deepEqual(
      first.states(),
      ['j1 accepted', 'j2 accepted', 'j1 running', 'j1 succeeded', 'j2 running', 'j2 succeeded'].sort(
        (a, b) => first.states().indexOf(a) - first.states().indexOf(b),
      ),
    );
    const restarted = runner(t, ok, first.folder);
    assert.deepEqual(
      restarted.outbox.waiting().map(({ jobId, state }) => `${jobId} ${state}`),
      ['j1 succeeded', 'j2 succeeded'],
    );
    for (const { updateId } of restarted.outbox.waiting()) restarted.outbox.acknowledge(updateId);
    assert.deepEqual(readdirSync(first.folder), ['jobs']);
    assert.deepEqual(readdirSync(join(first.folder, 'jobs')), []);
  });

  it('a job that is seen twice is run once', async (t) => {
    let runs = 0;
    const { jobs, until, outbox, states } = runner(t, async (...args) => {
      runs++;
      return ok(...args);
    });
    jobs.accept(job('j1'));
    jobs.accept(job('j1'));
    await until('j1 succeeded');
    jobs.accept(job('j1'));
    assert.equal(runs, 1);
    for (const { updateId } of outbox.waiting()) outbox.acknowledge(updateId);
    jobs.accept(job('j1'));
    assert.equal(runs, 1);
    assert.equal(states().filter((state) => state === 'j1 succeeded').length, 2, 'the same answer again');
  });

  it('end in the state that says what happened', async (t) => {
    const cases: [string, Measure, number, string, RegExp][] = [
      [
        'rejected',
        async () => Promise.reject(new RejectedError('no such runner')),
        60_000,
        'rejected',
        /no such runner/,
      ],
      ['failed', async () => Promise.reject(new Error('disk full')), 60_000, 'failed', /disk full/],
      ['slow', never, 5, 'timed-out', /did not end within/],
    ];
    for (const [id, measure, timeoutMs, state, reason] of cases) {
      const { jobs, until, sent } = runner(t, measure);
      jobs.accept(job(id, timeoutMs));
      await until(`${id} ${state}`);
      assert.match(sent.at(-1)?.reason ?? '', reason);
    }
    const { jobs, until, sent } = runner(t, never);
    jobs.accept(job('running'));
    jobs.accept(job('waiting'));
    jobs.cancel(job('waiting'), 'the trial ended');
    jobs.cancel(job('running'), 'the trial ended');
    await until('running cancelled');
    assert.deepEqual(
      sent.filter(({ state }) => state === 'cancelled').map(({ jobId }) => jobId),
      ['waiting', 'running'],
    );
  });

  it('are taken up again by an agent that was killed, once; then they are answered', async (t) => {
    const folder = temporaryFolder(t);
    // A runner that is forgotten without being closed is what a killed agent leaves behind.
    const killed = runner(t, never, folder);
    killed.jobs.accept(job('measured'));
    killed.jobs.accept(job('waiting'));
    const second = runner(t, never, folder);
    assert.deepEqual(
      second.jobs
        .open()
        .map(({ jobId }) => jobId)
        .sort(),
      ['measured', 'waiting'],
    );
    const third = runner(t, ok, folder);
    assert.match(third.outbox.waiting()[0]?.reason ?? '', /the agent stopped 2 times while measuring this/);
    assert.equal(third.outbox.waiting()[0]?.state, 'failed');
    assert.equal(third.outbox.waiting()[0]?.jobId, 'measured');
    await third.until('waiting succeeded');
    assert.deepEqual(runner(t, never, folder).jobs.open(), []);
  });

  it('of an agent that is stopped on purpose are taken up again, however often', async (t) => {
    const folder = temporaryFolder(t);
    for (let restart = 0; restart < 4; restart++) {
      const { jobs, outbox } = runner(t, never, folder);
      if (restart === 0) jobs.accept(job('j1'));
      assert.deepEqual(jobs.open(), [{ jobId: 'j1', attempt: 1, leaseToken: 'lease' }]);
      await jobs.close();
      assert.deepEqual(outbox.waiting(), []);
    }
    const last = runner(t, ok, folder);
    await last.until('j1 succeeded');
    assert.deepEqual(readdirSync(join(folder, 'jobs')), []);
  });

  it('a damaged file in the journal is set aside; a job that was answered is not run again', async (t) => {
    const folder = temporaryFolder(t, { 'jobs/x.json': '{"half":' });
    const first = runner(t, ok, folder);
    first.jobs.accept(job('j1'));
    await first.until('j1 succeeded');
    // Killed between the answer and the journal.
    first.journal.accept(job('j1'));
    const second = runner(t, async () => assert.fail('run again'), folder);
    assert.deepEqual(second.jobs.open(), []);
    assert.deepEqual(readdirSync(join(folder, 'jobs')), ['x.json.damaged']);
  });

  it('a result is delivered although the disk does not take it', async (t) => {
    const folder = temporaryFolder(t);
    const { jobs, until, outbox } = runner(t, ok, join(folder, 'outbox'));
    // A file where the folder was: nothing can be written there, whoever tries.
    rmSync(join(folder, 'outbox'), { recursive: true });
    writeFileSync(join(folder, 'outbox'), '');
    jobs.accept(job('j1'));
    await until('j1 succeeded');
    assert.deepEqual(
      outbox.waiting().map(({ jobId }) => jobId),
      ['j1'],
    );
  });

  it('a damaged file in the outbox is set aside, not lost and not fatal', (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'x.json'), '{"half":');
    const log: string[] = [];
    assert.deepEqual(
      new Outbox(
        folder,
        plainLogger((message) => log.push(message)),
      ).waiting(),
      [],
    );
    assert.deepEqual(readdirSync(folder), ['x.json.damaged']);
    assert.match(log[0] ?? '', /damaged/);
  });
});
