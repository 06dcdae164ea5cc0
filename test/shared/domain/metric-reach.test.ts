import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { senselessLimit } from '@edgetune/shared/domain/metric-reach.ts';
import { METRICS, parseAnyConstraint, parseConstraint } from '@edgetune/shared/domain/objective.ts';

const said = (text: string) => senselessLimit(parseConstraint(text));

describe('a limit', () => {
  it('that can be met and missed makes sense', () => {
    for (const text of [
      'accuracy >= 0.9',
      'accuracy >= 90 %',
      'accuracy >= 1.0',
      'accuracy >= 0',
      'accuracy <= 0',
      'loss <= 0',
      'memory <= 64 MB',
      'latency.p99 >= 0 ms',
      'throughput >= 100 /s',
      'parameters <= 10 k',
    ])
      assert.equal(said(text), null, text);
  });

  it('that no model can meet is refused, with what may be meant', () => {
    assert.equal(
      said('accuracy >= 90'),
      'accuracy is a fraction from 0 to 1: it can never be at least 90; did you mean "accuracy >= 0.9" (90 %)?',
    );
    assert.equal(
      said('accuracy >= 100'),
      'accuracy is a fraction from 0 to 1: it can never be at least 100; did you mean "accuracy >= 1" (100 %)?',
    );
    assert.equal(said('accuracy >= 900'), 'accuracy is a fraction from 0 to 1: it can never be at least 900');
    assert.equal(said('memory <= 0 MB'), 'memory is always greater than 0 B: it can never be at most 0 B');
    assert.equal(
      said('latency.p99 <= -30 ms'),
      'latency.p99 is always greater than 0 ms: it can never be at most -30 ms; did you mean "latency.p99 <= 30 ms"?',
    );
    assert.equal(said('loss <= -1'), 'loss is never below 0: it can never be at most -1; did you mean "loss <= 1"?');
  });

  it('that every model meets is refused, too', () => {
    assert.match(said('accuracy <= 90') ?? '', /"<= 90" always holds; did you mean "accuracy <= 0.9" \(90 %\)\?$/);
    assert.match(said('energy >= -1 J') ?? '', /" ?>= -1 J" always holds/);
  });

  it("on any of EdgeTune's metrics is checked, and of a program's own nothing is known", () => {
    for (const [metric, { ratio }] of Object.entries(METRICS))
      if (!ratio) assert.notEqual(senselessLimit({ metric, operator: '<=', limit: -1 }), null, metric);
    assert.equal(senselessLimit(parseAnyConstraint('profit >= -3')), null);
  });
});
