/** What is told, what is missing, and what is misspelt. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TunerEntry, tunerSpecSchema, tunerSpecSchemaFor } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';
import { PARTS } from '../../../coordinator/parts.ts';

const SPEC = {
  space: { training: { rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' } } },
  devices: ['pi', 'nano'],
  objectives: ['maximize accuracy', 'minimize latency on pi'],
  constraints: ['latency.p99 <= 30 ms on nano', 'collisions <= 3'],
  budget: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1 },
  tuner: { scheduler: 'none' },
};

function session(change: object = {}) {
  const spec = tunerSpecSchema.parse({ ...SPEC, ...change });
  const recorded: TunerEntry[] = [];
  const { answer, undecided, progress } = createTunerSession(spec, { record: (entry) => void recorded.push(entry) });
  const send = (message: object) => JSON.parse(answer(JSON.stringify(message)));
  const replayed = () => {
    const again = createTunerSession(spec);
    again.replay(JSON.parse(JSON.stringify(recorded)));
    return again;
  };
  return { send, undecided, progress, replayed };
}

const GOOD = { accuracy: 0.9, 'latency.p50@pi': 10 };

test('a constraint whose metric was not told is unknown: the trial is on no front until it is, and then where it belongs', () => {
  const { send, undecided, replayed } = session();
  for (const _ of [0, 1]) send({ ask: {} });
  assert.deepEqual(send({ tell: { trial: 0, metrics: GOOD } }), {
    ok: true,
    unknown: ['latency.p99@nano', 'collisions'],
  });
  const decided = { accuracy: 0.5, 'latency.p50@pi': 20, 'latency.p99@nano': 25, collisions: 0 };
  assert.deepEqual(send({ tell: { trial: 1, metrics: decided } }), { ok: true });
  assert.equal(send({ best: {} }).best.trial, 1);
  assert.deepEqual(undecided(), [{ trial: 0, rung: 0, missing: ['latency.p99@nano', 'collisions'] }]);
  assert.deepEqual(send({ amend: { trial: 0, metrics: { 'latency.p99@nano': 25 } } }), {
    ok: true,
    unknown: ['collisions'],
  });
  assert.equal(send({ front: {} }).front.length, 1);
  assert.deepEqual(send({ amend: { trial: 0, metrics: { collisions: 2 } } }), { ok: true });
  assert.deepEqual(send({ best: {} }).best.metrics, { ...GOOD, 'latency.p99@nano': 25, collisions: 2 });
  assert.deepEqual(undecided(), []);
  for (const line of ['{"front":{}}', '{"ask":{}}'])
    assert.equal(replayed().answer(line), JSON.stringify(send(JSON.parse(line))));
});

test('one that turns out to be violated is not on the front; what the program says of the violation needs no metrics', () => {
  const { send } = session();
  for (const _ of [0, 1]) send({ ask: {} });
  send({ tell: { trial: 0, metrics: GOOD } });
  send({ amend: { trial: 0, metrics: { 'latency.p99@nano': 60, collisions: 0 } } });
  assert.deepEqual(send({ front: {} }).front, []);
  assert.deepEqual(send({ tell: { trial: 1, metrics: GOOD, violation: 0 } }), { ok: true });
  assert.equal(send({ best: {} }).best.trial, 1);
});

test('a target is not reached by what is not known to meet the constraints', () => {
  const { send } = session({ stop: { trials: 5, target: ['accuracy >= 0.8'] } });
  send({ ask: {} });
  send({ tell: { trial: 0, metrics: GOOD } });
  assert.equal(send({ ask: {} }).trial, 1);
  send({ amend: { trial: 0, metrics: { 'latency.p99@nano': 20, collisions: 0 } } });
  assert.equal(send({ ask: {} }).nothing, 'now', 'it is reached: nothing more is asked');
});

test('a tell without an objective is refused, unless its device has not answered or the trial crashed', () => {
  const { send } = session({ constraints: [] });
  for (const _ of [0, 1, 2]) send({ ask: {} });
  const { error } = send({ tell: { trial: 0, metrics: { accuracy: 0.9 } } });
  assert.match(error, /^latency\.p50@pi is missing, .* "pending": \["pi"\]/);
  assert.match(send({ tell: { trial: 0, metrics: {} } }).error, /^accuracy, latency\.p50@pi are missing/);
  assert.match(send({ tell: { trial: 0, metrics: {}, pending: ['pie'] } }).error, /"pie" is not a device .*pi, nano/);
  assert.match(send({ tell: { trial: 0, metrics: {}, pending: ['pi'] } }).error, /^accuracy is missing/);
  assert.deepEqual(send({ tell: { trial: 0, metrics: { accuracy: 0.9 }, pending: ['pi'] } }), { ok: true });
  assert.deepEqual(send({ tell: { trial: 1, metrics: GOOD } }), { ok: true });
  assert.deepEqual(send({ tell: { trial: 2, failed: 'out of memory' } }), { ok: true });
  assert.equal(send({ best: {} }).best.trial, 1);
  send({ amend: { trial: 0, metrics: { 'latency.p50@pi': 5 } } });
  assert.equal(send({ best: {} }).best.trial, 0);
});

test('metrics of its own are kept and shown; what is nearly the name of a missing one is refused', () => {
  const { send } = session({ constraints: ['collisions <= 3'], objectives: ['minimize regret'] });
  for (const _ of [0, 1]) send({ ask: {} });
  const tell = (metrics: object) => send({ tell: { trial: 0, metrics } });
  assert.match(tell({ regrets: 1 }).error, /unknown metric "regrets": .* did you mean "regret"\?/);
  assert.match(tell({ regret: 1, colisions: 1 }).error, /did you mean "collisions"\?/);
  assert.match(tell({ regret: 1, acuracy: 1 }).error, /did you mean "accuracy"\?/);
  assert.match(tell({ regret: 1, 'latency.p50@na no': 1 }).error, /did you mean "latency.p50@nano"\?/);
  assert.match(tell({ regret: 1, 'two words': 1 }).error, /a letter followed by/);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`layer_${i}`, i]));
  assert.match(tell({ regret: 1, ...many }).error, /more than 64 metrics/);
  const told = { regret: 1, collisions: 0, regrets: 7, temperature: 71.5, lossOfTeacher: 0.3, accuracy: 0.8 };
  assert.deepEqual(tell(told), { ok: true });
  assert.deepEqual(send({ best: {} }).best.metrics, told);
});

test('only what is missing can be added, to what was told last', () => {
  const { send } = session();
  send({ ask: {} });
  assert.match(send({ amend: { trial: 0, metrics: { collisions: 1 } } }).error, /was not told yet/);
  send({ tell: { trial: 0, metrics: GOOD } });
  assert.match(send({ amend: { trial: 0, metrics: { accuracy: 0.95 } } }).error, /accuracy was told already \(0\.9\)/);
  assert.match(send({ amend: { trial: 0, metrics: { colisions: 1 } } }).error, /did you mean "collisions"/);
  assert.match(send({ tell: { trial: 0, metrics: { ...GOOD, collisions: 1 } } }).error, /told already: write {"amend"/);
  send({ ask: {} });
  send({ tell: { trial: 1, failed: 'it crashed' } });
  assert.match(send({ amend: { trial: 1, metrics: { collisions: 1 } } }).error, /told as failed/);
});

test('a misspelt key is refused, in the specification and in messages; those of a study are not', () => {
  const schema = tunerSpecSchemaFor(PARTS);
  const messages = (change: object) => schema.safeParse({ ...SPEC, ...change }).error?.message ?? '';
  assert.match(messages({ constraint: [] }), /constraint/);
  assert.match(messages({ objectivs: [] }), /objectivs/);
  assert.equal(messages({ name: 'mine', workload: 'image-classifier', dataset: { format: 'csv' }, recommend: 3 }), '');
  const { send } = session();
  assert.match(send({ ask: { lease: 3 } }).error, /unknown key "lease".*leaseS/);
  assert.match(send({ tell: { trial: 0, metric: {} } }).error, /unknown key "metric".*metrics/);
  assert.match(send({ best: { of: 3 } }).error, /unknown key "of"/);
  assert.equal(send({ ask: null }).trial, 0);
});
