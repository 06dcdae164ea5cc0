import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import type { Ask, Tell } from '../../../coordinator/tuner/tuner.ts';
import { answer, drive, problem } from '../../support/tuning.ts';

const healthy = (ask: Ask): Tell => ({ ...answer(ask), status: 'ok', violation: 0 });
const latency = { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' } as const;
const accuracy = { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' } as const;

test('with a target, the front holds what has reached it, by the objectives of the study', () => {
  const target = [{ metric: 'accuracy', operator: '>=' as const, limit: 0.75 }];
  const tuner = createTuner(problem({ objectives: [accuracy, latency], maxTrials: 100, stop: { target } }));
  let reached = false;
  drive(tuner, 3, 1, (ask) => {
    const tell = healthy(ask);
    reached ||= (tell.metrics.accuracy as number) >= 0.75;
    return tell;
  });
  assert.ok(reached);
  assert.ok(tuner.isTargetReached());
  const front = tuner.front();
  assert.ok(front.length > 0);
  for (const { metrics, values } of front) {
    assert.ok((metrics.accuracy as number) >= 0.75);
    assert.deepEqual(values, [metrics.accuracy, metrics['latency.p50@pi']]);
  }
});

test('a target is reached by what was measured: a prediction of it counts when it is amended', () => {
  const target = [{ metric: 'latency.p50', operator: '<=' as const, limit: 1000 }];
  const tuner = createTuner(problem({ objectives: [accuracy, latency], maxTrials: 3, stop: { target } }));
  const ask = tuner.ask() as Ask;
  const tell = { ...healthy(ask), metrics: { accuracy: 0.5, 'latency.p50@pi': 10 }, predicted: ['latency.p50@pi'] };
  tuner.tell(tell);
  assert.equal(tuner.isTargetReached(), false);
  assert.deepEqual(tuner.front()[0]?.predicted, ['latency.p50@pi']);
  tuner.amend({ trialId: ask.trialId, rung: ask.rung, metrics: { 'latency.p50@pi': 12 }, violation: 0 });
  assert.equal(tuner.isTargetReached(), true);
  assert.deepEqual(tuner.front()[0]?.predicted, []);
});

test('a target that nothing reaches leaves the front as it would be', () => {
  const target = [{ metric: 'accuracy', operator: '>=' as const, limit: 2 }];
  const tuner = createTuner(problem({ objectives: [accuracy, latency], maxTrials: 20, stop: { target } }));
  drive(tuner, 1, 0, healthy);
  assert.equal(tuner.isTargetReached(), false);
  assert.ok(tuner.front().length > 0);
});
