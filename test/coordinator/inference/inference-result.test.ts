import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { impossible, refused, resultOf } from '../../../coordinator/inference/inference-result.ts';
import type { Known } from '../../../coordinator/inference/known-measurements.ts';
import { goalsOf } from '../../../coordinator/inference/search/config-score.ts';
import { measurementAt, storedMeasurement } from '../../support/measurement.ts';

const goals = (...constraints: string[]) =>
  goalsOf({ objectives: [parseObjective('latency.p50')], constraints: constraints.map(parseConstraint) }, 'pi');
const known = (id: string, latencyMs: number, change: object = {}): Known => ({
  measurement: storedMeasurement({ id, ...measurementAt(latencyMs), ...change }),
  source: 'measured',
});

describe('what a search has found', () => {
  it('is the best of what succeeded, and needs no reason where it keeps the limits', () => {
    const all = [known('slow', 20), known('crashed', 1, { outcome: 'crashed' }), known('quick', 10)];
    const { best, feasible, violation, reason, front, ...rest } = resultOf(
      all,
      goals('latency.p99 <= 10 ms'),
      'unused',
    );
    assert.deepEqual([best?.id, feasible, violation, reason], ['quick', true, 0, null]);
    assert.deepEqual(
      front.map(({ id }) => id),
      ['quick'],
    );
    assert.equal(rest.all, all);
  });

  it('names every limit that even the best violates, and none that it keeps', () => {
    const wanted = goals('latency.p99 <= 5 ms', 'memory <= 10 MB', 'energy <= 1 J', 'latency.p50 <= 10 ms');
    const { feasible, violation, reason } = resultOf([known('a', 10)], wanted, null);
    assert.deepEqual([feasible, violation], [false, 1 + 1]);
    assert.equal(
      reason,
      'even the best inference config: latency.p99 is 10.0, not <= 5; energy is not measured, not <= 1',
    );
  });

  it('is nothing, for the reason that is given, where nothing succeeded', () => {
    const all = [known('a', 1, { outcome: 'crashed' })];
    assert.deepEqual(resultOf(all, goals(), 'it crashed'), {
      ...{ best: null, feasible: false, violation: Infinity, all, front: [] },
      reason: 'it crashed',
    });
    assert.equal(resultOf([], goals(), null).reason, 'nothing could be measured');
  });

  it('is what no other beats in latency, throughput, memory and energy at once', () => {
    const energy = (netJ: number) => ({ energy: { netJ } as never });
    const all = [
      known('quick', 10, { throughputPerS: 100, peakMemoryBytes: 9, ...energy(2) }),
      known('beaten', 11, { throughputPerS: 100, peakMemoryBytes: 9, ...energy(2) }),
      known('many', 20, { throughputPerS: 101, peakMemoryBytes: 9, ...energy(2) }),
      known('small', 20, { throughputPerS: 90, peakMemoryBytes: 8, ...energy(2) }),
      known('frugal', 20, { throughputPerS: 90, peakMemoryBytes: 9, ...energy(1) }),
    ];
    const ids = resultOf(all, goals(), null).front.map(({ id }) => id);
    assert.deepEqual(ids.sort(), ['frugal', 'many', 'quick', 'small']);
  });
});

it('a device that can do no config is no candidate for any', () => {
  assert.deepEqual(impossible('no such clock'), {
    ...{ best: null, feasible: false, violation: Infinity, all: [], front: [] },
    reason: 'no such clock',
  });
});

it('a refusal says whose prediction it is and keeps what was seen', () => {
  const all = [known('a', 1, { outcome: 'out-of-memory' })];
  const { reason, ...rest } = refused('kitchen-pi', 0.5, 40, all);
  assert.match(reason ?? '', /predicted from other architectures on kitchen-pi: every inference config violates/);
  assert.deepEqual(rest, {
    ...{ best: null, feasible: false, violation: 0.5, all, front: [] },
    ...{ possible: 40, refusedByPrediction: true },
  });
});
