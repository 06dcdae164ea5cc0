import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { parseAtMost, parsePrefer } from '@edgetune/shared/domain/prefer.ts';
import {
  bestFirst,
  goalsOf,
  scoreOf,
  stagesOf,
  violationOn,
} from '../../../../coordinator/inference/search/config-score.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';

function goalsFor(objectives: string[], constraints: string[] = [], prefer?: string) {
  return goalsOf(
    {
      objectives: objectives.map(parseObjective),
      constraints: constraints.map(parseConstraint),
      prefer: prefer === undefined ? undefined : parsePrefer(prefer),
    },
    'pi',
  );
}

const at = (id: string, latencyMs: number, throughputPerS: number) =>
  storedMeasurement({ id, ...measurementAt(latencyMs, { throughputPerS }) });

const order = (goals: ReturnType<typeof goalsFor>, measurements: ReturnType<typeof at>[]) =>
  bestFirst(goals, measurements).map(({ id }) => id);

describe('what is wanted of a device', () => {
  it('of a named ratio is the part that the device decides', () => {
    const aimsOf = (text: string) => goalsFor([text]).aims;
    assert.deepEqual(aimsOf('edgetune.energy'), [{ metric: 'energy', direction: 'minimize', weight: 1 }]);
    assert.deepEqual(aimsOf('edgetune.time on pi'), [{ metric: 'latency.p50', direction: 'minimize', weight: 1 }]);
    assert.deepEqual(aimsOf('throughput'), [{ metric: 'throughput', direction: 'maximize', weight: 1 }]);
  });

  it('is what concerns it, and the latency where nothing does', () => {
    const { aims, limits } = goalsFor(
      ['maximize accuracy', 'minimize energy on other', 'maximize throughput on pi'],
      ['latency.p99 <= 30 ms', 'memory <= 1 MB on other', 'accuracy >= 0.5'],
    );
    assert.deepEqual(aims, [{ metric: 'throughput', direction: 'maximize', weight: 1 }]);
    assert.deepEqual(
      limits.map(({ metric }) => metric),
      ['latency.p99'],
    );
    assert.deepEqual(goalsFor(['maximize accuracy']).aims, [
      { metric: 'latency.p50', direction: 'minimize', weight: 1 },
    ]);
  });

  it('leads only where the first objective is on this device', () => {
    assert.equal(goalsFor(['minimize latency.p50', 'maximize accuracy']).leads, true);
    assert.equal(goalsFor(['minimize latency.p50 on pi']).leads, true);
    assert.equal(goalsFor(['minimize latency.p50 on other', 'minimize energy on pi']).leads, false);
    assert.equal(goalsFor(['maximize accuracy', 'minimize latency.p50']).leads, false);
  });
});

describe('the best config', () => {
  const [quick, middle, slow] = [at('quick', 10, 100), at('middle', 10.9, 400), at('slow', 20, 1600)];

  it('is the best compromise where all are alike in what leads', () => {
    assert.deepEqual(order(goalsFor(['maximize accuracy', 'latency.p50', 'throughput']), [quick, middle, slow]), [
      'slow',
      'middle',
      'quick',
    ]);
  });

  it('is near the best of what leads, as near as the study says', () => {
    assert.deepEqual(order(goalsFor(['latency.p50', 'throughput']), [quick, middle, slow]), [
      'middle',
      'quick',
      'slow',
    ]);
    const strict = goalsFor(['latency.p50', 'throughput'], [], 'at most 5 % of latency');
    assert.deepEqual(order(strict, [quick, middle, slow])[0], 'quick');
  });

  it('keeps the limits, and has succeeded', () => {
    const goals = goalsFor(['maximize accuracy', 'throughput'], ['latency.p50 <= 15 ms']);
    const crashed = { ...at('crashed', 1, 9999), outcome: 'crashed' as const };
    assert.deepEqual(order(goals, [slow, crashed, quick, middle]), ['middle', 'quick', 'slow']);
  });

  it('violates by shares of the limits, and by all of one that its board cannot measure', () => {
    const { limits } = goalsFor(['throughput'], ['latency.p50 <= 8 ms', 'energy <= 1 J']);
    const without = { ...at('a', 10, 1), energy: null };
    assert.equal(violationOn(without, limits), 0.25 + 1);
    assert.equal(violationOn(without, limits.slice(0, 1)), 0.25);
  });
});

describe('a search', () => {
  it('learns the logarithm of the product, weighed', () => {
    const goals = goalsFor(['maximize accuracy', 'latency.p50', 'throughput']);
    const { loss, violation } = scoreOf(goals, at('a', 10, 50));
    assert.ok(Math.abs(loss - Math.log(10 / 50)) < 1e-12);
    assert.equal(violation, 0);
    const aims = goals.aims.map((aim) => ({ ...aim, weight: aim.metric === 'throughput' ? 2 : 1 }));
    const weighed = { ...goals, aims };
    assert.ok(Math.abs(scoreOf(weighed, at('a', 10, 50)).loss - Math.log(10 / 50 ** 2)) < 1e-12);
  });

  it('follows what the study says of a named ratio, on the part that the device decides', () => {
    const objectives = ['edgetune.time', 'minimize energy'].map(parseObjective);
    const prefer = { atMost: parseAtMost('at most 5 % of edgetune.time'), weights: { 'edgetune.time': 5 } };
    const goals = goalsOf({ objectives, constraints: [], prefer }, 'pi');
    assert.deepEqual(
      goals.aims.map(({ metric, weight }) => [metric, weight]),
      [
        ['latency.p50', 5],
        ['energy', 1],
      ],
    );
    assert.equal(goals.prefer?.atMost?.metric, 'latency.p50');
    assert.deepEqual(goals.prefer?.weights, { 'latency.p50': 5 });
  });

  it('is led by nothing that the board cannot measure', () => {
    const goals = goalsFor(['minimize energy', 'minimize latency.p50', 'maximize throughput']);
    const without = [{ ...at('a', 10, 1), energy: null }];
    assert.deepEqual(
      stagesOf(goals, without).map(({ aims, leads }) => [aims.map(({ metric }) => metric), leads]),
      [[['latency.p50', 'throughput'], false]],
    );
  });

  it('weighs what leads so that all that may be given is worth what is asked for it', () => {
    const goals = goalsFor(['latency.p50', 'throughput'], [], 'at most 10 % of latency for 20 % of throughput');
    const weight = stagesOf(goals, [at('a', 10, 1)])[1]?.aims[0]?.weight as number;
    assert.ok(Math.abs(weight - Math.log(0.8) / -Math.log(1.1)) < 1e-9, String(weight));
  });

  it('has one stage where nothing leads, or nothing else is wanted', () => {
    const several = goalsFor(['maximize accuracy', 'latency.p50', 'throughput']);
    assert.deepEqual(stagesOf(several, [at('a', 10, 1)]), [several]);
    const one = goalsFor(['latency.p50']);
    assert.deepEqual(stagesOf(one, [at('a', 10, 1)]), [one]);
  });

  it('seeks what leads first, then the compromise near the best of it', () => {
    const goals = goalsFor(['throughput', 'latency.p50'], ['latency.p99 <= 15 ms']);
    const measured = [at('best', 10, 1000), at('too slow', 100, 5000), at('worse', 5, 800)];
    const [first, second] = stagesOf(goals, measured);
    assert.deepEqual(first?.aims, [{ metric: 'throughput', direction: 'maximize', weight: 1 }]);
    assert.deepEqual(second?.aims, goals.aims);
    assert.deepEqual(second?.limits.slice(1), [{ metric: 'throughput', operator: '>=', limit: 900 }]);
    assert.equal(stagesOf(goals, []).length, 1);
    assert.equal(stagesOf(goals, [at('too slow', 100, 5000)]).length, 1, 'none that keeps the limits is known');
    const costs = goalsFor(['latency.p50', 'throughput'], [], 'at most 2 ms of latency');
    assert.deepEqual(stagesOf(costs, measured)[1]?.limits, [{ metric: 'latency.p50', operator: '<=', limit: 7 }]);
  });
});
