import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { NO_ARCHITECTURE } from '../../../../coordinator/inference/predictor/coordinates.ts';
import { type Example, learn, type Predictor } from '../../../../coordinator/inference/predictor/predictor.ts';
import { type Goals, goalsOf } from '../../../../coordinator/inference/search/config-score.ts';
import {
  chanceOfFeasible,
  expectedViolation,
  type Forecast,
  forecastOf,
  isTaught,
  learnAll,
  lossOf,
  mayRefuse,
  surelyViolates,
} from '../../../../coordinator/inference/search/forecast.ts';
import type { SearchProblem } from '../../../../coordinator/inference/search/search-problem.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';

const goals = (objectives: string[], constraints: string[] = [], weights: Record<string, number> = {}): Goals =>
  goalsOf(
    {
      objectives: objectives.map(parseObjective),
      constraints: constraints.map(parseConstraint),
      prefer: { atMost: undefined, weights },
    },
    'pi',
  );
const config = (batchSize: number) => inferenceConfigSchema.parse({ batchSize, threads: 1 });
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
/** Values with the deviations of their logarithms. */
const forecast = (of: Record<string, [value: number, deviation: number]>): Forecast =>
  new Map(Object.entries(of).map(([metric, [value, deviation]]) => [metric, { mean: Math.log(value), deviation }]));
const known = (architectures: number): Predictor => ({ architectures, predict: () => ({ mean: 0, deviation: 1 }) });

const problem = (change: Partial<SearchProblem> = {}): SearchProblem => ({
  axes: [],
  goals: goals(['latency.p50']),
  cores: 4,
  group: 'own',
  architectureFor: () => NO_ARCHITECTURE,
  examples: () => [],
  isKnown: () => false,
  evaluate: async () => null,
  isTimeUp: () => false,
  ...change,
});

describe('what a search has learned from', () => {
  const other: Example = { group: 'other', architecture: NO_ARCHITECTURE, config: config(1), value: 7 };

  it('are other architectures, where any metric that matters was measured of one', () => {
    const of = (metric: string) => (asked: string) => (asked === metric ? [other] : []);
    assert.equal(isTaught(problem()), false);
    assert.equal(isTaught(problem({ examples: of('latency.p50') })), true);
    assert.equal(isTaught(problem({ examples: of('memory') })), false);
    assert.equal(
      isTaught(problem({ goals: goals(['latency.p50'], ['memory <= 1 MB']), examples: of('memory') })),
      true,
    );
  });

  it('is nothing at first; then a predictor for each metric that was measured', () => {
    const wanted = goals(['energy', 'latency.p50'], ['latency.p50 <= 1 s', 'memory <= 1 MB']);
    assert.equal(learnAll(problem({ goals: wanted }), []), null);
    const own = [storedMeasurement(measurementAt(10)), storedMeasurement(measurementAt(20, { config: config(2) }))];
    const predictors = learnAll(problem({ goals: wanted }), own);
    // No meter: nothing is learned of energy.
    assert.deepEqual([...(predictors ?? [])].map(([metric]) => metric).sort(), ['latency.p50', 'memory']);
  });

  it('are its own measurements under its own architecture and group, beside the others', () => {
    const architecture = NO_ARCHITECTURE.map((_, index) => index);
    const examples = () => [other];
    const own = [storedMeasurement(measurementAt(0.5, { config: config(2) }))];
    const predictor = learnAll(problem({ examples, architectureFor: () => architecture }), own)?.get('latency.p50');
    const same = learn('latency.p50', [other, { group: 'own', architecture, config: config(2), value: 0.5 }], 4);
    assert.equal(predictor?.architectures, 2);
    assert.deepEqual(predictor?.predict(architecture, config(4)), same.predict(architecture, config(4)));
    const found = forecastOf(
      problem({ architectureFor: () => architecture }),
      new Map([['latency.p50', same]]),
      config(4),
    );
    assert.deepEqual([...found], [['latency.p50', same.predict(architecture, config(4))]]);
  });

  it('is no logarithm of what is 0', () => {
    const own = [storedMeasurement({ throughputPerS: 0 })];
    assert.equal(learnAll(problem({ goals: goals(['throughput']) }), own), null);
  });
});

describe('a refusal by prediction', () => {
  it('needs five architectures of every metric', () => {
    const of = (...counts: number[]) => new Map(counts.map((count, index) => [`m${index}`, known(count)]));
    assert.equal(mayRefuse(of(5, 9)), true);
    assert.equal(mayRefuse(of(9, 4)), false);
  });

  it('needs the whole interval of some metric on the wrong side of its limit', () => {
    // Of very many architectures the interval reaches 1.96 deviations.
    const predictors = new Map(['latency.p99', 'throughput', 'memory'].map((metric) => [metric, known(1e6)]));
    const violates = (constraint: string, of: Forecast) => surelyViolates(goals([], [constraint]), of, predictors);
    const at = (metric: string, value: number) => forecast({ [metric]: [value, 0.1] });
    assert.equal(violates('latency.p99 <= 10 ms', at('latency.p99', 10 * Math.exp(0.197))), true);
    assert.equal(violates('latency.p99 <= 10 ms', at('latency.p99', 10 * Math.exp(0.195))), false);
    assert.equal(violates('throughput >= 10 /s', at('throughput', 10 * Math.exp(-0.197))), true);
    assert.equal(violates('throughput >= 10 /s', at('throughput', 10 * Math.exp(-0.195))), false);
    assert.equal(violates('memory <= 10 MB', at('latency.p99', 1e9)), false, 'nothing is known of the memory');
  });

  it('is the more careful the fewer architectures there are', () => {
    const of = (count: number) => new Map([['latency.p99', known(count)]]);
    const wanted = goals([], ['latency.p99 <= 10 ms']);
    const expected = forecast({ 'latency.p99': [10 * Math.exp(0.22), 0.1] });
    assert.equal(surelyViolates(wanted, expected, of(1e6)), true);
    assert.equal(surelyViolates(wanted, expected, of(5)), false);
  });
});

describe('what is expected of a config', () => {
  const limits = goals([], ['latency.p99 <= 10 ms', 'throughput >= 100 /s', 'memory <= 5 MB']);

  it('violates the limits by the shares of the middle values, as far as they are known', () => {
    near(expectedViolation(limits, forecast({ 'latency.p99': [15, 1], throughput: [80, 1] })), 0.5 + 0.2);
    near(expectedViolation(limits, forecast({ 'latency.p99': [9, 1], throughput: [120, 1] })), 0);
  });

  it('keeps all limits with the product of the chances that it keeps each', () => {
    // Φ(−1) = 0.158655253931, Φ(2) = 0.977249868052.
    const at = (latencyMs: number, throughput: number) =>
      chanceOfFeasible(limits, forecast({ 'latency.p99': [latencyMs, 0.5], throughput: [throughput, 0.1] }));
    near(at(10 * Math.exp(0.5), 100 * Math.exp(0.2)), 0.158655253931457 * 0.977249868051821);
    near(at(10 * Math.exp(-1), 100 * Math.exp(-0.1)), 0.977249868051821 * 0.158655253931457);
    assert.equal(chanceOfFeasible(limits, new Map()), 1);
  });

  it('cannot be below a limit of nothing', () => {
    const none = { ...limits, limits: [{ metric: 'memory', operator: '<=' as const, limit: 0 }] };
    assert.ok(chanceOfFeasible(none, forecast({ memory: [1, 0.5] })) < 1e-12);
  });

  it('is a compromise of the aims, each to its weight, as uncertain as all together', () => {
    const wanted = goals(['latency.p50', 'throughput', 'energy'], [], { throughput: 3 });
    const { mean, deviation } = lossOf(wanted, forecast({ 'latency.p50': [8, 0.1], throughput: [50, 0.2] }));
    near(mean, Math.log(8) - 3 * Math.log(50));
    near(deviation, 0.1 + 3 * 0.2);
  });
});
