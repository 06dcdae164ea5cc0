import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTuner } from '../../../coordinator/tuner/create-tuner.ts';
import { kendall, kendallDeviation } from '../../../coordinator/tuner/schedulers/agreement.ts';
import type { Ask, Tell } from '../../../coordinator/tuner/tuner.ts';
import { answer, asksOf, drive, problem } from '../../support/tuning.ts';

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

test('Kendall’s τ of known orders', () => {
  const pairs = (above: number[]) => above.map((value, index) => [index, value] as const);
  assert.equal(kendall(pairs([1, 2, 3, 4])), 1);
  assert.equal(kendall(pairs([4, 3, 2, 1])), -1);
  // Five of six pairs agree.
  assert.ok(Math.abs(kendall(pairs([1, 2, 4, 3])) - 4 / 6) < 1e-12);
});

test('Kendall’s τ of unrelated orders varies as much as is said', () => {
  // Of the six orders of three things: 1, 1/3, 1/3, −1/3, −1/3, −1, which have the variance 11/27.
  assert.ok(Math.abs(kendallDeviation(3) ** 2 - 11 / 27) < 1e-12);
});

test('no more than a share of 1/η goes on from a rung, however the best of it change', () => {
  const tuner = createTuner(problem({ settings: { sampler: 'random' }, maxTrials: 90 }));
  const asks = asksOf(
    // Each trial is better than all before it.
    drive(tuner, 1, 0, (ask) => ({ ...healthy(ask), metrics: { accuracy: ask.trialId / 1000 + ask.rung / 1e6 } })),
  );
  const [started, ...above] = [0, 1, 2].map((rung) => asks.filter((ask) => ask.rung === rung).length);
  assert.equal(started, 90);
  assert.deepEqual(above, [30, 10]);
});

test('new trials skip a lowest budget whose order says nothing about the next', () => {
  const startsWhere = (misleading: boolean) => {
    const tuner = createTuner(problem({ settings: { sampler: 'random' }, maxTrials: 200 }));
    const asks = asksOf(
      drive(tuner, 1, 0, (ask) => {
        const tell = healthy(ask);
        const sign = misleading && ask.budget.epochs === 1 ? -1 : 1;
        return { ...tell, metrics: { ...tell.metrics, accuracy: sign * (tell.metrics.accuracy as number) } };
      }),
    );
    return asks.filter(({ rung }) => rung === 0).map(({ bracket }) => bracket);
  };
  assert.ok(startsWhere(false).every((bracket) => bracket === 0));
  const misled = startsWhere(true);
  assert.equal(misled[0], 0);
  assert.equal(misled.at(-1), 1);
});
