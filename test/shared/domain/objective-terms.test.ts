import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAnyConstraint, parseAnyObjective } from '@edgetune/shared/domain/objective.ts';
import { lossesOf, objectiveTerms, violationOfMetrics } from '@edgetune/shared/domain/objective-terms.ts';

const termsOf = (texts: string[], devices = ['a', 'b']) => objectiveTerms(texts.map(parseAnyObjective), devices);
const METRICS = {
  accuracy: 0.5,
  trainingTime: 100,
  'latency.p50@a': 10,
  'latency.p50@b': 30,
  'throughput@a': 5,
  'throughput@b': 2,
};

describe('the terms of objectives', () => {
  it('are one per objective, and one per device where each is said', () => {
    const terms = termsOf(['accuracy', 'latency each', 'throughput', 'latency mean', 'latency on b', 'edgetune.time']);
    assert.deepEqual(
      terms.map(({ name, metric, direction, objective }) => [name, metric, direction, objective]),
      [
        ['accuracy', 'accuracy', 'maximize', 0],
        ['latency.p50@a', 'latency.p50', 'minimize', 1],
        ['latency.p50@b', 'latency.p50', 'minimize', 1],
        ['throughput (worst)', 'throughput', 'maximize', 2],
        ['latency.p50 (mean)', 'latency.p50', 'minimize', 3],
        ['latency.p50@b', 'latency.p50', 'minimize', 4],
        ['edgetune.time (worst)', 'edgetune.time', 'minimize', 5],
      ],
    );
    // 100 × 30 ÷ 0.5: the worst device's ratio.
    assert.deepEqual(
      terms.map((term) => term.valueOf(METRICS)),
      [0.5, 10, 30, 2, 20, 30, 6000],
    );
    assert.deepEqual(lossesOf(terms, METRICS), [-0.5, 10, 30, -2, 20, 30, 6000]);
  });

  it('name the one device of a study, whatever the aggregate', () => {
    assert.deepEqual(
      termsOf(['latency mean', 'minimize regret'], ['pi']).map(({ name }) => name),
      ['latency.p50@pi', 'regret'],
    );
  });

  it('are unknown where a metric that they need is missing', () => {
    const { 'latency.p50@b': _, ...without } = METRICS;
    assert.deepEqual(
      termsOf(['latency', 'latency mean', 'latency each', 'edgetune.time on a']).map((term) => term.valueOf(without)),
      [undefined, undefined, 10, undefined, 2000],
    );
    assert.equal(lossesOf(termsOf(['latency']), without), null);
    assert.equal(lossesOf(termsOf(['accuracy']), { accuracy: Number.NaN }), null);
    for (const missing of ['accuracy', 'trainingTime', 'latency.p50@a']) {
      const rest = Object.fromEntries(Object.entries(METRICS).filter(([name]) => name !== missing));
      assert.equal(termsOf(['edgetune.time on a'])[0]?.valueOf(rest), undefined, missing);
    }
  });
});

describe('the violation of constraints by metrics', () => {
  const violation = (texts: string[], metrics: Record<string, number> = METRICS) =>
    violationOfMetrics(texts.map(parseAnyConstraint), ['a', 'b'], metrics);

  it('is the sum of the shares of the limits, over all devices or one', () => {
    assert.equal(violation([]), 0);
    assert.equal(violation(['latency <= 20 ms']), 0.5);
    assert.equal(violation(['latency <= 5 ms']), 1 + 5);
    assert.equal(violation(['latency <= 20 ms on a']), 0);
    assert.equal(violation(['latency <= 20 ms on b', 'accuracy >= 1']), 0.5 + 0.5);
    assert.equal(violation(['trainingTime <= 50 ms']), 1);
    assert.equal(violation(['collisions <= 3'], { collisions: 6 }), 1);
  });

  it('knows nothing against what is missing, and all against what is no number', () => {
    assert.equal(violation(['memory <= 1 MB']), 0);
    assert.equal(violation(['accuracy >= 0.1'], { accuracy: Number.NaN }), Infinity);
  });
});
