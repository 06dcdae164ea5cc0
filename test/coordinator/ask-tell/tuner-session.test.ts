import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TunerEntry, tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import fc from 'fast-check';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';

const SPEC = {
  space: { training: { rate: { type: 'float', min: 1e-5, max: 1, scale: 'log' } } },
  devices: ['pi'],
  objectives: ['maximize accuracy', 'minimize latency on pi'],
  constraints: ['latency.p99 <= 30 ms on pi'],
  budget: { minEpochs: 1, maxEpochs: 9 },
  stop: { trials: 10 },
};

function session(spec: object = SPEC) {
  const { answer } = createTunerSession(tunerSpecSchema.parse(spec));
  return (message: unknown) => JSON.parse(answer(typeof message === 'string' ? message : JSON.stringify(message)));
}

test('a whole search by messages: asks, tells, a failure, best and front', () => {
  const exchange = session();
  let told = 0;
  for (let job = exchange({ ask: {} }); !job.nothing; job = exchange({ ask: {}, id: told })) {
    const { trial, rung, candidate } = job;
    const latency = 10 + 5 * trial;
    const metrics = { accuracy: candidate.rate, 'latency.p50@pi': latency, 'latency.p99@pi': latency };
    const tell =
      trial === 3 ? { trial, rung, failed: 'out of memory' } : { trial, rung, metrics, cost: { seconds: 1 } };
    assert.deepEqual(exchange({ tell }), { ok: true });
    told++;
  }
  assert.deepEqual(exchange({ ask: {}, id: 'x' }), { id: 'x', nothing: 'finished' });
  assert.ok(told >= 10);
  const { front } = exchange({ front: {} });
  assert.ok(
    front.length > 0 &&
      front.every(({ metrics }: { metrics: Record<string, number> }) => (metrics['latency.p99@pi'] ?? 0) <= 30),
  );
  assert.deepEqual(exchange({ best: {} }).best, front[0]);
});

test("a program's own metrics are objectives and constraints, and may not be misspelt", () => {
  const own = { objectives: ['minimize regret'], constraints: ['collisions <= 3'], devices: [] };
  const exchange = session({ ...SPEC, ...own });
  for (const regret of [3, 1, 2]) {
    const { trial, rung } = exchange({ ask: {} });
    const metrics = { regret, collisions: regret === 1 ? 4 : 0, accuracy: 0.5 };
    assert.deepEqual(exchange({ tell: { trial, rung, metrics } }), { ok: true });
  }
  assert.equal(exchange({ best: {} }).best.metrics.regret, 2, 'the one with regret 1 collides too often');
  const { trial, rung } = exchange({ ask: {} });
  assert.match(
    exchange({ tell: { trial, rung, metrics: { regrets: 1 } } }).error,
    /unknown metric "regrets": use one of regret, collisions, accuracy/,
  );
  assert.throws(() => tunerSpecSchema.parse({ ...SPEC, objectives: ['regret'] }), /say \\"minimize regret\\" or/);
  assert.throws(
    () => tunerSpecSchema.parse({ ...SPEC, objectives: ['minimize regret on pi'] }),
    /belongs to the trial/,
  );
});

test('a value that is not finite is told like a crash, in whatever way JSON writers spell it', () => {
  const exchange = session({ ...SPEC, objectives: ['minimize loss'], constraints: [], devices: [] });
  for (const loss of ['NaN', 'Infinity', '-Infinity', '1e999', 'null']) {
    const { trial } = exchange({ ask: {} });
    assert.deepEqual(exchange(`{"tell":{"trial":${trial},"metrics":{"loss": ${loss}}}}`), { ok: true }, loss);
    assert.deepEqual(exchange({ best: {} }), { best: null });
  }
});

test('mistakes are answered with what is allowed, and change nothing', () => {
  const exchange = session();
  assert.match(exchange('{"ask"').error, /not a line of JSON/);
  assert.match(exchange({ hello: 1 }).error, /write one of/);
  const { trial, rung } = exchange({ ask: {} });
  assert.match(
    exchange({ tell: { trial, rung, metrics: { acuracy: 1 } } }).error,
    /unknown metric "acuracy": use one of accuracy/,
  );
  assert.match(exchange({ tell: { trial, rung, metrics: { latency: 1 } } }).error, /unknown metric "latency"/);
  assert.match(
    exchange({ tell: { trial, rung, metrics: { 'latency.p50@desk': 1 } } }).error,
    /device of the specification \(pi\)/,
  );
  assert.match(exchange({ tell: { trial, rung, metrics: { accuracy: 'high' } } }).error, /tell.metrics.accuracy/);
  assert.match(exchange({ tell: { trial: 99, rung, metrics: {} } }).error, /was not asked/);
  const unusable = { accuracy: null, 'latency.p50@pi': 3, 'latency.p99@pi': 4 };
  assert.deepEqual(exchange({ tell: { trial, rung, metrics: unusable } }), { ok: true });
  assert.deepEqual(exchange({ best: {} }), { best: null });
});

test('a named ratio is computed of what is told, for the worst device; it cannot be told itself', () => {
  const exchange = session({ ...SPEC, devices: ['pi', 'nano'], constraints: [], objectives: ['edgetune.time'] });
  const told = [4, 2, 8].map((seconds) => {
    const { trial, rung } = exchange({ ask: {} });
    const metrics = { trainingTime: seconds, accuracy: 0.5, 'latency.p50@pi': 3, 'latency.p50@nano': 5 };
    assert.deepEqual(exchange({ tell: { trial, rung, metrics } }), { ok: true });
    return trial;
  });
  const { best } = exchange({ best: {} });
  assert.deepEqual([best.trial, best.values], [told[1], [(2 * 5) / 0.5]]);
  const { trial, rung } = exchange({ ask: {} });
  assert.match(exchange({ tell: { trial, rung, metrics: { 'edgetune.time@pi': 1 } } }).error, /is computed/);
});

test('no line makes it fall over', () => {
  const { answer } = createTunerSession(tunerSpecSchema.parse(SPEC));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      assert.equal(typeof JSON.parse(answer(line)), 'object');
    }),
  );
});

test('a long line that is no JSON is refused in no time', () => {
  const start = process.cpuUsage();
  assert.match(session()(`{"ask": ${' '.repeat(200_000)}x}`).error, /not a line of JSON/);
  // Looking for the mistake from each of its spaces anew would take a minute; what else runs here does not count.
  assert.ok(process.cpuUsage(start).user < 2e6);
});

/** What "best" and "front" answer when trials were told these values, in the order of the metrics. */
function answersOf(objectives: string[], metrics: string[], rows: number[][], more: object = {}) {
  const spec = {
    ...SPEC,
    objectives,
    constraints: [],
    budget: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1 },
    tuner: { scheduler: 'none' },
  };
  const exchange = session({ ...spec, ...more });
  for (const row of rows) {
    const { trial, rung } = exchange({ ask: {} });
    exchange({ tell: { trial, rung, metrics: Object.fromEntries(metrics.map((name, i) => [name, row[i]])) } });
  }
  return {
    best: exchange({ best: {} }).best.trial,
    front: exchange({ front: {} }).front.map(({ trial }: { trial: number }) => trial),
  };
}

test('of two on a front the one that is far from the best of what leads is not best, whichever came first', () => {
  const [objectives, metrics] = [
    ['maximize accuracy', 'minimize latency.p50'],
    ['accuracy', 'latency.p50@pi'],
  ];
  const rows = [
    [0.11, 57.7],
    [0.7, 84.3],
  ];
  assert.deepEqual(answersOf(objectives, metrics, rows), { best: 1, front: [1, 0] });
  assert.deepEqual(answersOf(objectives, metrics, rows.toReversed()), { best: 0, front: [0, 1] });
});

test('of three objectives a difference counts as a share of the value', () => {
  const rows = [
    [0.93, 50.1, 1.01],
    [0.92, 50.05, 1.005],
    [0.2, 50, 1],
  ];
  const objectives = ['maximize accuracy', 'minimize latency.p50', 'minimize energy'];
  assert.deepEqual(answersOf(objectives, ['accuracy', 'latency.p50@pi', 'energy@pi'], rows), {
    best: 0,
    front: [0, 1, 2],
  });
});

test('the specification may say what is preferred', () => {
  const [objectives, metrics] = [
    ['maximize accuracy', 'minimize latency.p50'],
    ['accuracy', 'latency.p50@pi'],
  ];
  const rows = [
    [0.93, 40],
    [0.9, 20],
  ];
  assert.equal(answersOf(objectives, metrics, rows).best, 0);
  assert.equal(answersOf(objectives, metrics, rows, { prefer: 'at most 3 points of accuracy' }).best, 1);
  assert.equal(
    answersOf(objectives, metrics, rows, { prefer: 'at most 3 points of accuracy for 60 % of latency' }).best,
    0,
  );
  assert.throws(
    () => answersOf(objectives, metrics, rows, { prefer: 'at most 3 ms of latency' }),
    /prefer.atMost: names latency.p50, but the first objective leads: it is accuracy/,
  );
});

test('a crash is told as one: it counts as infeasible, and says nothing of the metrics', () => {
  const exchange = session({
    ...SPEC,
    objectives: ['maximize accuracy'],
    constraints: [],
    tuner: { scheduler: 'none' },
  });
  const first = exchange({ ask: {} });
  const second = exchange({ ask: {} });
  exchange({ tell: { trial: first.trial, rung: first.rung, failed: 'out of memory', metrics: { accuracy: 0.99 } } });
  exchange({ tell: { trial: second.trial, rung: second.rung, metrics: { accuracy: 0.1 } } });
  assert.equal(exchange({ best: {} }).best.trial, second.trial);
});

test('a violation that is told counts instead of the computed one', () => {
  const exchange = session({ ...SPEC, objectives: ['maximize accuracy'], constraints: ['latency <= 30 ms'] });
  const [a, b] = [exchange({ ask: {} }), exchange({ ask: {} })];
  const metrics = { accuracy: 0.9, 'latency.p50@pi': 10 };
  exchange({ tell: { trial: a.trial, rung: a.rung, metrics, violation: 0.5 } });
  assert.deepEqual(exchange({ front: {} }).front, []);
  exchange({ tell: { trial: b.trial, rung: b.rung, metrics: { ...metrics, 'latency.p50@pi': 60 }, violation: 0 } });
  assert.deepEqual(
    exchange({ front: {} }).front.map(({ trial }: { trial: number }) => trial),
    [b.trial],
  );
});

test('what a session recorded brings another one to where it was', () => {
  const spec = tunerSpecSchema.parse({ ...SPEC, constraints: [] });
  const recorded: TunerEntry[] = [];
  const first = createTunerSession(spec, { record: (entry) => void recorded.push(entry) });
  for (const metrics of [
    { accuracy: 0.5, 'latency.p50@pi': 10 },
    { accuracy: 0.7, 'latency.p50@pi': 12 },
  ]) {
    const { trial, rung } = JSON.parse(first.answer('{"ask":{}}'));
    first.answer(JSON.stringify({ tell: { trial, rung, metrics, cost: { seconds: 3 } } }));
  }
  const open = JSON.parse(first.answer('{"ask":{}}'));
  const second = createTunerSession(spec);
  second.replay(recorded);
  assert.deepEqual(second.open(), [open]);
  assert.deepEqual(first.open(), [open]);
  for (const line of ['{"front":{}}', '{"ask":{}}', '{"ask":{}}'])
    assert.equal(second.answer(line), first.answer(line));
});
