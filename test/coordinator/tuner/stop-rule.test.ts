import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTargetReached, type StopCriteria, StopRule, targetShortfall } from '../../../coordinator/tuner/stop-rule.ts';
import { near } from '../../support/near.ts';
import { observed } from '../../support/observations.ts';

const target = [
  { metric: 'accuracy', operator: '>=' as const, limit: 0.8 },
  { metric: 'latency.p99', operator: '<=' as const, limit: 10 },
];
const devices = ['pi', 'nano'];

/** Whether the rule has been reached, after each of these reports. */
function reached(criteria: StopCriteria, reports: readonly { losses?: number[]; seconds?: number; joules?: number }[]) {
  const rule = new StopRule(criteria, devices);
  assert.equal(rule.reached, false);
  return reports.map(({ losses = [1], seconds = 0, joules = 0 }) => {
    const cost = { seconds, joules };
    rule.told(observed({ losses }), { trialId: 0, rung: 0, status: 'ok', metrics: {}, violation: 0, cost });
    return rule.reached;
  });
}

test('time and energy end a study when their sum is there', () => {
  const seconds = [3, 4, 2.9, 0.1].map((each) => ({ seconds: each, joules: 100 }));
  assert.deepEqual(reached({ timeS: 10 }, seconds), [false, false, false, true]);
  const joules = [3, 4, 2.9, 0.1].map((each) => ({ joules: each, seconds: 100 }));
  assert.deepEqual(reached({ energyJ: 10 }, joules), [false, false, false, true]);
});

test('a cost that is missing, infinite or negative counts nothing', () => {
  const odd = [Number.NaN, Infinity, -50, 9, 1].map((each) => ({ seconds: each, joules: each }));
  assert.deepEqual(reached({ timeS: 10 }, odd), [false, false, false, false, true]);
  assert.deepEqual(reached({ energyJ: 10 }, odd), [false, false, false, false, true]);
});

test('so many reports without progress end a study, and none of the other criteria does', () => {
  const losses = [5, 6, 7, 4, 9, 9, 9].map((loss) => ({ losses: [loss], seconds: 1e9, joules: 1e9 }));
  assert.deepEqual(reached({ noImprovement: 3 }, losses), [false, false, false, false, false, false, true]);
  assert.deepEqual(
    reached({}, losses),
    losses.map(() => false),
  );
});

test('the shortfall is the sum of the relative distances, of each device', () => {
  const metrics = { accuracy: 0.6, 'latency.p99@pi': 15, 'latency.p99@nano': 11 };
  near(targetShortfall(target, devices, metrics) as number, 0.2 / 0.8 + 0.5 + 0.1, 1e-12);
  assert.equal(targetShortfall(target, devices, { accuracy: 0.8, 'latency.p99@pi': 9, 'latency.p99@nano': 10 }), 0);
});

test('of a metric that is missing nothing is known: on any device, or on the one that is named', () => {
  assert.equal(targetShortfall(target, devices, { accuracy: 0.9, 'latency.p99@pi': 9 }), undefined);
  assert.equal(targetShortfall(target, devices, { 'latency.p99@pi': 9, 'latency.p99@nano': 9 }), undefined);
  assert.equal(targetShortfall([], devices, { accuracy: 1 }), undefined);
  const [, latency] = target as [(typeof target)[number], (typeof target)[number]];
  assert.equal(targetShortfall([{ ...latency, device: 'pi' }], devices, { 'latency.p99@pi': 9 }), 0);
  assert.equal(targetShortfall([{ ...latency, device: 'nano' }], devices, { 'latency.p99@pi': 9 }), undefined);
  assert.equal(targetShortfall([latency], [], { 'latency.p99@pi': 9 }), undefined);
});

test('a target is reached by what was measured and is feasible, and stays so', () => {
  const good = { accuracy: 0.9, 'latency.p99@pi': 9, 'latency.p99@nano': 9 };
  assert.ok(isTargetReached(target, devices, { metrics: good, predicted: [] }), 'measured');
  assert.ok(!isTargetReached(target, devices, { metrics: good, predicted: ['latency.p99@nano'] }), 'predicted');
  assert.ok(!isTargetReached([], devices, { metrics: good, predicted: [] }), 'no target');
  const rule = new StopRule({ target }, devices);
  const told = (change: Parameters<typeof observed>[0]) =>
    rule.told(observed({ metrics: good, ...change }), {
      trialId: 0,
      rung: 0,
      status: 'ok',
      metrics: {},
      violation: 0,
      cost: { seconds: 0, joules: 0 },
    });
  told({ violation: 0.1 });
  told({ predicted: ['latency.p99@pi'] });
  told({ metrics: { ...good, accuracy: 0.7 } });
  assert.deepEqual([rule.targetReached, rule.reached], [false, false]);
  rule.amended(observed({ metrics: good, violation: 0.1 }));
  assert.equal(rule.targetReached, false);
  rule.amended(observed({ metrics: good }));
  assert.deepEqual([rule.targetReached, rule.reached], [true, true]);
  told({ metrics: { ...good, accuracy: 0.1 } });
  assert.deepEqual([rule.targetReached, rule.reached], [true, true]);
});

test('what is amended for the better is progress', () => {
  const rule = new StopRule({ noImprovement: 2 }, devices);
  const told = (loss: number) =>
    rule.told(observed({ losses: [loss] }), {
      trialId: 0,
      rung: 0,
      status: 'ok',
      metrics: {},
      violation: 0,
      cost: { seconds: 0, joules: 0 },
    });
  told(5);
  told(6);
  rule.amended(observed({ losses: [4] }));
  told(7);
  assert.equal(rule.reached, false);
  told(7);
  assert.equal(rule.reached, true);
});
