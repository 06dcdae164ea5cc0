import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { contradictingObjectives, excludedLimits } from '@edgetune/shared/domain/contradictions.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';

describe('objectives', () => {
  const said = (devices: string[], ...texts: string[]) =>
    contradictingObjectives(texts.map(parseObjective), devices).map(({ index, message }) => `${index}: ${message}`);

  it('on different things are no mistake', () => {
    assert.deepEqual(said(['a', 'b'], 'maximize accuracy', 'minimize latency on a', 'minimize latency on b'), []);
    assert.deepEqual(said(['a', 'b'], 'minimize latency.p50', 'minimize latency.p99'), []);
    assert.deepEqual(said(['a', 'b'], 'minimize latency worst', 'minimize latency mean'), []);
    assert.deepEqual(said(['a', 'b'], 'minimize latency on a', 'maximize latency on b'), []);
    assert.deepEqual(said(['a'], 'minimize edgetune.time', 'minimize trainingTime', 'minimize latency'), []);
  });

  it('in both directions are refused', () => {
    const words = 'what is minimised cannot be maximised, too; leave out one of the two';
    assert.deepEqual(said(['a'], 'maximize accuracy', 'minimize accuracy'), [
      `1: contradicts "maximize accuracy": ${words}`,
    ]);
    assert.deepEqual(said(['a', 'b'], 'minimize latency', 'maximize latency.p50 on b'), [
      `1: contradicts "minimize latency.p50 worst": ${words}`,
    ]);
  });

  it('that say the same are refused, also by another name or on the only device', () => {
    assert.deepEqual(said(['a'], 'minimize latency', 'maximize accuracy', 'minimize latency.p50'), [
      '2: is "minimize latency.p50 worst" once more, which would count twice; leave out one of the two',
    ]);
    assert.equal(said(['a'], 'minimize latency', 'minimize latency on a').length, 1);
    assert.equal(said(['a', 'b'], 'minimize latency each', 'minimize latency on b').length, 1);
    assert.equal(said([], 'maximize accuracy', 'accuracy').length, 1, 'also where the devices cannot be read');
  });
});

describe('limits', () => {
  const said = (...texts: string[]) =>
    excludedLimits(texts.map(parseConstraint)).map(({ index, message }) => `${index}: ${message}`);

  it('that one model can meet are no mistake', () => {
    assert.deepEqual(said('accuracy >= 0.9', 'accuracy <= 0.9', 'memory <= 1 MB', 'memory <= 2 MB'), []);
    assert.deepEqual(said('latency <= 3 ms on a', 'latency >= 5 ms on b'), []);
    assert.deepEqual(said('latency.p50 <= 3 ms', 'latency.p99 >= 5 ms'), []);
  });

  it('that no model can meet together are refused', () => {
    const words = 'nothing can meet both; leave out or change one of the two';
    assert.deepEqual(said('accuracy <= 80 %', 'memory <= 1 MB', 'accuracy >= 90 %'), [
      `2: excludes "accuracy <= 80 %": ${words}`,
    ]);
    assert.deepEqual(said('latency <= 3 ms', 'latency >= 5 ms on b'), [`1: excludes "latency.p50 <= 3 ms": ${words}`]);
    assert.deepEqual(said('latency.p99 <= 3 ms', 'latency.p50 >= 5 ms'), [
      `1: excludes "latency.p99 <= 3 ms": ${words}`,
    ]);
  });
});
