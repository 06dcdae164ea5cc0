/** What the agent says of its jobs, and whose words it heeds: with clocks that the test turns. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { Job } from '@edgetune/shared/protocol/job.ts';
import { type JobUpdateMessage, jobUpdateMessageSchema } from '@edgetune/shared/protocol/messages.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { JobJournal } from '../../../agent/session/job-journal.ts';
import { JobRunner, type Measure } from '../../../agent/session/job-runner.ts';
import { Outbox } from '../../../agent/session/outbox.ts';
import { measurementFor, measureRequest } from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, turn, until, untilAborted, within } from '../../support/waiting.ts';

const job = (jobId: string, change: Partial<Job> = {}): Job => ({
  jobId,
  attempt: 1,
  leaseToken: `lease of ${jobId}`,
  stepTimeoutMs: 60_000,
  waitForHost: false,
  request: measureRequest(),
  ...change,
});

/** Called with what a job was given; the test plays the board. */
type Board = { given: Parameters<Measure>[]; measure: Measure };

/** Every job runs until it is cancelled. */
function patientBoard(): Board {
  const given: Parameters<Measure>[] = [];
  const measure: Measure = (...each) => {
    given.push(each);
    return untilAborted(each[1]);
  };
  return { given, measure };
}

const prompt: Measure = async ({ request }, _signal, mayBegin) => {
  await mayBegin();
  return measurementFor(request);
};

function runner(t: TestContext, measure: Measure, folder = temporaryFolder(t)) {
  const sent: JobUpdateMessage[] = [];
  const log = plainLogger(() => {});
  const outbox = new Outbox(join(folder, 'outbox'), log);
  const journal = new JobJournal(join(folder, 'jobs'), log);
  const jobs = new JobRunner({ measure, outbox, journal, send: (update) => void sent.push(update) });
  t.after(() => jobs.close());
  const words = () => sent.map(({ jobId, attempt, state }) => `${jobId}/${attempt} ${state}`);
  const untilSaid = (word: string) =>
    until(`the agent to say "${word}"`, () => words().includes(word), { everyTurn: true });
  return { jobs, outbox, journal, sent, words, untilSaid, folder };
}

const open = ({ jobs }: { jobs: JobRunner }) => jobs.open().map(({ jobId, attempt }) => `${jobId}/${attempt}`);

describe('a report', () => {
  it('carries the job’s fence, an id of its own, and what came of it', async (t) => {
    const { jobs, sent, outbox, untilSaid } = runner(t, prompt);
    jobs.accept(job('j1', { attempt: 3 }));
    await untilSaid('j1/3 succeeded');
    for (const update of sent) {
      assert.deepEqual(jobUpdateMessageSchema.parse(update), update);
      assert.deepEqual([update.jobId, update.attempt, update.leaseToken], ['j1', 3, 'lease of j1']);
      assert.equal(update.reason, null);
      assert.ok(Math.abs(Date.parse(update.at) - Date.now()) < 60_000, update.at);
    }
    assert.deepEqual(
      sent.map(({ measurement }) => measurement),
      [null, null, measurementFor(measureRequest())],
    );
    const ids = sent.map(({ updateId }) => updateId);
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual([...ids].sort(), ids, 'by time');
    assert.deepEqual(outbox.waiting(), [sent[2]], 'only what ends a job waits for its acknowledgement');
  });

  it('is said again where a job runs, and not where none does or one is being prepared', async (t) => {
    const begin = new Arrival('the test to let it begin');
    const { jobs, words, untilSaid } = runner(t, async (given, signal, mayBegin) => {
      await begin.wait();
      await mayBegin();
      return patientBoard().measure(given, signal, mayBegin, () => {});
    });
    jobs.reportAgain();
    jobs.accept(job('j1'));
    jobs.reportAgain();
    assert.deepEqual(words(), ['j1/1 accepted']);
    begin.come();
    await untilSaid('j1/1 running');
    jobs.reportAgain();
    assert.deepEqual(words(), ['j1/1 accepted', 'j1/1 running', 'j1/1 running']);
  });

  it('tells how a job ended by what was thrown', async (t) => {
    for (const [error, state] of [
      [new RejectedError('no such runner'), 'rejected'],
      [new Error('the disk is full'), 'failed'],
    ] as const) {
      const { jobs, sent, untilSaid } = runner(t, () => Promise.reject(error));
      jobs.accept(job('j1'));
      await untilSaid(`j1/1 ${state}`);
      const last = sent.at(-1);
      assert.deepEqual([last?.reason, last?.measurement], [error.message, null]);
    }
  });
});

describe('whose words are heeded', () => {
  it('the attempt is part of a job’s name: another one runs as another job', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    all.jobs.accept(job('j1'));
    all.jobs.accept(job('j1', { attempt: 2 }));
    all.jobs.accept(job('j1'));
    all.jobs.accept(job('j1', { attempt: 2 }));
    assert.deepEqual(open(all), ['j1/1', 'j1/2']);
    assert.deepEqual(
      all.words(),
      ['j1/1 accepted', 'j1/2 accepted'],
      'a job that is there already is not accepted again',
    );
    all.jobs.cancel(job('j1'), 'lost');
    await all.untilSaid('j1/1 cancelled');
    assert.deepEqual(open(all), ['j1/2']);
    assert.equal(all.sent.at(-1)?.reason, 'lost');
    assert.equal(board.given.length, 2);
  });

  it('a cancellation of what is not here is confirmed, of what is answered already is not', async (t) => {
    const all = runner(t, prompt);
    all.jobs.accept(job('j1'));
    await all.untilSaid('j1/1 succeeded');
    all.jobs.cancel(job('j1'), 'not needed');
    assert.equal(all.words().at(-1), 'j1/1 succeeded');
    all.jobs.cancel(job('j1', { attempt: 2 }), 'not needed');
    assert.equal(all.words().at(-1), 'j1/2 cancelled');
    const [told] = all.sent.slice(-1);
    assert.deepEqual([told?.leaseToken, told?.reason], ['lease of j1', 'not needed']);
  });

  it('a cancelled job that waited is not run, and those after it are', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    for (const id of ['j1', 'j2', 'j3', 'j4']) all.jobs.accept(job(id));
    assert.deepEqual(open(all), ['j1/1', 'j2/1', 'j3/1', 'j4/1'], 'in the order in which they came');
    all.jobs.cancel(job('never seen'), 'not needed');
    assert.deepEqual(open(all), ['j1/1', 'j2/1', 'j3/1', 'j4/1']);
    all.jobs.cancel(job('j2', { leaseToken: 'another' }), 'not needed');
    assert.equal(all.sent.at(-1)?.leaseToken, 'lease of j2', 'under which it was accepted');
    assert.deepEqual(open(all), ['j1/1', 'j3/1', 'j4/1']);
    all.jobs.cancel(job('j4'), 'not needed');
    assert.deepEqual(open(all), ['j1/1', 'j3/1']);
    assert.deepEqual(
      all.journal.entries().map((entry) => entry.job.jobId),
      ['j1', 'j3'],
    );
    all.jobs.cancel(job('j1'), 'not needed');
    await all.untilSaid('j1/1 cancelled');
    await until('the third to run', () => board.given.length === 2, { everyTurn: true });
    assert.deepEqual(open(all), ['j3/1']);
  });

  it('only the coordinator’s word for this very job lets it begin where the machine is shared', async (t) => {
    const began: string[] = [];
    const all = runner(t, async (given, signal, mayBegin) => {
      await mayBegin();
      began.push('window');
      return patientBoard().measure(given, signal, mayBegin, () => {});
    });
    all.jobs.proceed(job('j1'));
    all.jobs.accept(job('j1', { waitForHost: true }));
    await all.untilSaid('j1/1 running');
    for (const other of [job('j2'), job('j1', { attempt: 2 })]) all.jobs.proceed(other);
    await turn();
    assert.deepEqual(began, []);
    all.jobs.proceed(job('j1'));
    await turn();
    assert.deepEqual(began, ['window']);
  });

  it('a job that waits for the machine can be cancelled', async (t) => {
    const all = runner(t, prompt);
    all.jobs.accept(job('j1', { waitForHost: true }));
    await all.untilSaid('j1/1 running');
    all.jobs.cancel(job('j1'), 'not needed');
    await all.untilSaid('j1/1 cancelled');
    assert.deepEqual(open(all), []);
  });
});

describe('an answered job', () => {
  it('that comes again is answered again, from memory, unless the answer is on its way anyway', async (t) => {
    let runs = 0;
    const all = runner(t, (...given) => {
      runs++;
      return prompt(...given);
    });
    all.jobs.accept(job('j1'));
    await all.untilSaid('j1/1 succeeded');
    const said = all.sent.length;
    all.jobs.accept(job('j1'));
    assert.equal(all.sent.length, said, 'its answer waits in the outbox');
    all.jobs.accept(job('j2'));
    await all.untilSaid('j2/1 succeeded');
    const [first] = all.outbox.waiting();
    all.outbox.acknowledge(first?.updateId ?? '');
    all.jobs.accept(job('j1'));
    const again = all.sent.at(-1);
    assert.deepEqual([again?.jobId, again?.state, again?.measurement], ['j1', 'succeeded', first?.measurement]);
    assert.notEqual(again?.updateId, first?.updateId);
    assert.equal(runs, 2);
  });

  it('is remembered over a restart while its answer waits; of many the last hundred are', async (t) => {
    let runs = 0;
    const counting: Measure = (...given) => {
      runs++;
      return prompt(...given);
    };
    const all = runner(t, counting);
    const ids = Array.from({ length: 101 }, (_, index) => `j${index}`);
    for (const id of ids) all.jobs.accept(job(id));
    await all.untilSaid('j100/1 succeeded');
    for (const { updateId } of all.outbox.waiting().slice(0, -1)) all.outbox.acknowledge(updateId);
    assert.equal(runs, 101);
    all.jobs.accept(job('j1'));
    assert.equal(runs, 101, 'the hundredth before the last');
    all.jobs.accept(job('j0'));
    assert.equal(runs, 102, 'that one is forgotten, and run again');
    const again = () => all.words().filter((word) => word === 'j0/1 succeeded').length === 2;
    await until('the first to be answered again', again, { everyTurn: true });
    const restarted = runner(t, counting, all.folder);
    restarted.jobs.accept(job('j100'));
    assert.deepEqual(restarted.words(), []);
  });
});

describe('time', () => {
  it('is given anew to each step: loading, every progress, the window', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const board = patientBoard();
    const all = runner(t, board.measure);
    all.jobs.accept(job('j1', { stepTimeoutMs: 10_000 }));
    const [[, signal, mayBegin, onProgress]] = board.given as [Parameters<Measure>];
    t.mock.timers.tick(9999);
    onProgress();
    t.mock.timers.tick(9999);
    assert.ok(!signal.aborted);
    await mayBegin();
    t.mock.timers.tick(9999);
    assert.ok(!signal.aborted);
    t.mock.timers.tick(1);
    assert.ok(signal.aborted);
    await all.untilSaid('j1/1 timed-out');
    assert.equal(all.sent.at(-1)?.reason, 'the job did not end within 10 s');
  });

  it('does not end a job that has ended', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let seen: AbortSignal | undefined;
    const all = runner(t, (given, signal, mayBegin, onProgress) => {
      seen = signal;
      return prompt(given, signal, mayBegin, onProgress);
    });
    all.jobs.accept(job('j1', { stepTimeoutMs: 10_000 }));
    await all.untilSaid('j1/1 succeeded');
    t.mock.timers.tick(10_000);
    assert.equal(seen?.aborted, false);
  });

  it('progress is told every ten seconds, and at once where a window was begun in vain', async (t) => {
    let nowMs = 0;
    t.mock.method(performance, 'now', () => nowMs);
    const board = patientBoard();
    const all = runner(t, board.measure);
    all.jobs.accept(job('j1'));
    const [[, , mayBegin, onProgress]] = board.given as [Parameters<Measure>];
    const accepted = () => all.words().filter((word) => word === 'j1/1 accepted').length;
    for (const [atMs, told] of [
      [9999, 1],
      [10_000, 2],
      [19_999, 2],
      [20_000, 3],
    ] as const) {
      nowMs = atMs;
      onProgress();
      assert.equal(accepted(), told, `at ${atMs} ms`);
    }
    await mayBegin();
    onProgress();
    assert.equal(accepted(), 4, 'the machine is given back');
    onProgress();
    assert.equal(accepted(), 4);
  });
});

describe('between two jobs', () => {
  it('nothing else begins until what is done there is over', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    const order: string[] = [];
    const work = all.jobs.between(async () => {
      order.push('begun');
      all.jobs.accept(job('j1'));
      await turn();
      order.push(`${board.given.length} jobs run`);
    });
    await work;
    assert.deepEqual(order, ['begun', '0 jobs run']);
    assert.equal(board.given.length, 1);
  });

  it('what was to be done there is not done by an agent that ends', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    all.jobs.accept(job('j1'));
    const work = all.jobs.between(() => assert.fail('it ends'));
    await all.jobs.close();
    await work;
  });
});

describe('an agent that ends', () => {
  it('cancels what runs without an answer, begins nothing more, and takes all up again', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    for (const id of ['j1', 'j2']) all.jobs.accept(job(id));
    const [[, signal]] = board.given as [Parameters<Measure>];
    await within('the running job to end', all.jobs.close());
    assert.match(String(signal.reason), /the agent ends/);
    await turn();
    assert.deepEqual(all.words(), ['j1/1 accepted', 'j2/1 accepted']);
    assert.equal(board.given.length, 1);
    assert.deepEqual(
      all.journal.entries().map(({ job: { jobId }, begun }) => [jobId, begun]),
      [
        ['j1', 0],
        ['j2', 0],
      ],
    );
    const next = patientBoard();
    const restarted = runner(t, next.measure, all.folder);
    assert.deepEqual(open(restarted), ['j1/1', 'j2/1']);
    assert.deepEqual(
      restarted.journal.entries().map(({ begun }) => begun),
      [1, 0],
      'the running one has been begun',
    );
  });

  it('and is in no fleet any more takes up none of its jobs, also where one began meanwhile', async (t) => {
    const board = patientBoard();
    const all = runner(t, board.measure);
    for (const id of ['j1', 'j2']) all.jobs.accept(job(id));
    all.journal.forgetAll();
    all.jobs.cancel(job('j1'), 'removed');
    await until('the next to begin', () => board.given.length === 2, { everyTurn: true });
    await all.jobs.close();
    assert.deepEqual(all.journal.entries(), []);
  });
});
