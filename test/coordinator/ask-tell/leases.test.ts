/** A job that nobody tells in time is given to whoever asks next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TunerEntry, tunerEntrySchema, tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';

const SPEC = {
  space: { training: { rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' } } },
  objectives: ['minimize regret'],
  budget: { minEpochs: 1, maxEpochs: 4 },
  stop: { trials: 3 },
};

function session({ change = {}, leaseS = 100 as number | null } = {}) {
  const spec = tunerSpecSchema.parse({ ...SPEC, ...change });
  const clock = { ms: Date.parse('2026-01-01T00:00:00Z') };
  const recorded: TunerEntry[] = [];
  const record = (entry: TunerEntry) => void recorded.push(tunerEntrySchema.parse(JSON.parse(JSON.stringify(entry))));
  const { answer, open } = createTunerSession(spec, { record, leaseS, now: () => clock.ms });
  const send = (message: object) => JSON.parse(answer(JSON.stringify(message)));
  const ask = (of: object = {}) => send({ ask: of });
  const tell = (trial: number, regret = 1, rung = 0) => send({ tell: { trial, rung, metrics: { regret } } });
  const pass = (seconds: number) => {
    clock.ms += seconds * 1000;
  };
  const replayed = () => {
    const again = createTunerSession(spec, { leaseS, now: () => clock.ms });
    again.replay(recorded);
    return again;
  };
  return { send, ask, tell, pass, open, recorded, replayed };
}

test('a lost job is given again, the one that was lost first first, and again when that one is lost, too', () => {
  const { ask, pass, tell, open } = session();
  const first = ask();
  pass(1);
  const second = ask();
  pass(98);
  assert.equal(ask().trial, 2);
  pass(1);
  assert.deepEqual(ask(), { ...first, again: 1 });
  assert.deepEqual(ask(), { nothing: 'now' });
  pass(1);
  assert.deepEqual(ask(), { ...second, again: 1 });
  pass(100);
  assert.equal(ask().trial, 2);
  assert.deepEqual(ask(), { ...first, again: 2 });
  assert.deepEqual(
    open().map(({ trial, again, leaseUntil }) => [trial, again, leaseUntil]),
    [
      [0, 2, '2026-01-01T00:05:01.000Z'],
      [1, 1, '2026-01-01T00:03:21.000Z'],
      [2, 1, '2026-01-01T00:05:01.000Z'],
    ],
  );
  assert.deepEqual(tell(0), { ok: true });
});

test('whoever tells first counts, and the other one hears that it was told already', () => {
  const { ask, pass, tell, send } = session();
  ask();
  pass(100);
  assert.equal(ask().again, 1);
  assert.deepEqual(tell(0, 0.5), { ok: true }, 'the first worker was only slow');
  assert.deepEqual(tell(0, 0.7), { told: 'already' });
  assert.deepEqual(send({ tell: { trial: 0, failed: 'late' } }), { told: 'already' });
  assert.equal(send({ best: {} }).best.metrics.regret, 0.5);
  assert.match(tell(1).error, /was not asked/);
  pass(1000);
  assert.equal(ask().trial, 1, 'what is told is not lost');
});

test('progress renews the lease; a renewal so soon that it changes little is not in the journal', () => {
  const { ask, pass, send, recorded } = session();
  ask();
  pass(5);
  assert.deepEqual(send({ progress: { trial: 0 } }), { ok: true, leaseS: 100 });
  assert.equal(recorded.length, 1);
  pass(90);
  send({ progress: { trial: 0, rung: 0 } });
  assert.equal(recorded.length, 2);
  pass(99);
  assert.equal(ask().trial, 1);
  pass(1);
  assert.equal(ask().again, 1);
  assert.match(send({ progress: { trial: 7 } }).error, /was not asked/);
  send({ tell: { trial: 0, metrics: { regret: 1 } } });
  assert.deepEqual(send({ progress: { trial: 0 } }), { told: 'already' });
});

test('an ask, the specification or the coordinator says how long; without any of them a job is left to who asked', () => {
  const own = session({ change: { leaseS: 10 } });
  assert.equal(own.ask().leaseS, 10);
  assert.equal(own.ask({ leaseS: 500 }).leaseS, 500);
  own.pass(10);
  assert.deepEqual([own.ask().trial, own.ask().trial], [0, 2]);
  const none = session({ leaseS: null });
  assert.equal('leaseS' in none.ask(), false);
  none.pass(1e9);
  assert.equal(none.ask().trial, 1);
  assert.deepEqual(none.send({ progress: { trial: 0 } }), { ok: true });
  assert.match(none.send({ ask: { leaseS: 0 } }).error, /leaseS/);
});

test('a restart knows the leases: what was asked again, until when, and goes on identically', () => {
  const { ask, pass, tell, open, replayed, send } = session();
  ask();
  ask();
  pass(60);
  send({ progress: { trial: 1 } });
  pass(40);
  assert.equal(ask().again, 1);
  assert.deepEqual(replayed().open(), open());
  tell(0, 2);
  pass(60);
  const again = replayed();
  assert.deepEqual(again.open(), open());
  assert.equal(again.answer('{"ask":{}}'), JSON.stringify(ask()));
  assert.deepEqual(JSON.parse(again.answer('{"tell":{"trial":0,"metrics":{"regret":3}}}')), { told: 'already' });
});

test('a search whose workers are lost again and again ends', () => {
  const { ask, pass, tell } = session();
  let told = 0;
  for (let i = 0; i < 200; i++) {
    const job = ask();
    pass(60);
    if (job.nothing === 'finished') break;
    // Two of five workers are lost.
    if (job.nothing === undefined && (i * 7) % 5 > 1 && tell(job.trial, job.trial, job.rung).ok) told++;
  }
  assert.equal(ask().nothing, 'finished');
  assert.ok(told >= 3);
});

test('a journal of before there were leases is read: its jobs are left to who asked', () => {
  const { recorded, ask, tell } = session({ leaseS: null });
  ask();
  tell(0);
  ask();
  const old = recorded.map((entry) => tunerEntrySchema.parse(JSON.parse(JSON.stringify(entry))));
  assert.deepEqual(Object.keys(old[2] ?? {}), ['ask']);
  const again = createTunerSession(tunerSpecSchema.parse(SPEC), { leaseS: 1, now: () => 1e15 });
  again.replay(old);
  assert.equal(again.open().length, 1);
  assert.equal('again' in JSON.parse(again.answer('{"ask":{}}')), false);
});
