import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type InferenceConfig, inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { ConfigAxis } from '../../../../coordinator/inference/search/config-grid.ts';
import { goalsOf } from '../../../../coordinator/inference/search/config-score.ts';
import { nextConfig } from '../../../../coordinator/inference/search/next-config.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';

const AXES: ConfigAxis[] = [
  { name: 'batchSize', values: [1, 2, 4] },
  { name: 'threads', values: [1, 2, 3, 4] },
];
const config = (batchSize: number, threads: number) => inferenceConfigSchema.parse({ batchSize, threads });
const goals = (objectives: string[], constraints: string[] = []) =>
  goalsOf({ objectives: objectives.map(parseObjective), constraints: constraints.map(parseConstraint) }, 'pi');
const measured = (at: InferenceConfig, latencyMs: number) =>
  storedMeasurement({ id: `${at.batchSize}/${at.threads}`, ...measurementAt(latencyMs, { config: at }) });

/** So small a deviation that the improvement expected is the one between the middle values. */
const SURE = 1e-9;
interface Expected {
  at: InferenceConfig;
  latencyMs: number;
  deviation?: number;
  /** Of the median alone, where it is another one than that of p99. */
  p99?: number;
  p99Deviation?: number;
  throughput?: number;
}
const forecasts = (expected: readonly Expected[]) =>
  expected.map(({ at, latencyMs, deviation = SURE, p99 = latencyMs, p99Deviation = deviation, throughput }) => ({
    config: at,
    forecast: new Map([
      ['latency.p50', { mean: Math.log(latencyMs), deviation }],
      ['latency.p99', { mean: Math.log(p99), deviation: p99Deviation }],
      ...(throughput === undefined ? [] : [['throughput', { mean: Math.log(throughput), deviation }] as const]),
    ]),
  }));

const LATENCY = goals(['latency.p50']);
const LIMITED = goals(['latency.p50'], ['latency.p99 <= 10 ms']);

function next(
  wanted: ReturnType<typeof goals>,
  expected: readonly Expected[],
  own: ReturnType<typeof measured>[] = [],
  isExperienced = true,
): string | null {
  const found = nextConfig(AXES, wanted, forecasts(expected), own, isExperienced);
  return found && `${found.batchSize}/${found.threads}`;
}

describe('the next config', () => {
  it('is the one with the best forecast before anything is known', () => {
    const expected = [
      { at: config(1, 1), latencyMs: 10 },
      { at: config(1, 3), latencyMs: 5 },
      { at: config(1, 4), latencyMs: 7 },
    ];
    assert.equal(next(LATENCY, expected), '1/3');
    assert.equal(next(LATENCY, [...expected].reverse()), '1/3');
  });

  it('is the one that most surely keeps the limits where none is known to, whatever its other merits', () => {
    const expected = [
      { at: config(1, 1), latencyMs: 1, p99: 9.9, deviation: 0.5 },
      { at: config(1, 2), latencyMs: 8, p99: 8, deviation: 0.5 },
    ];
    assert.equal(next(LIMITED, expected), '1/2');
    assert.equal(next(LIMITED, expected, [measured(config(1, 4), 12)]), '1/2');
  });

  it('is the one that promises the greatest improvement, times the chance that it keeps the limits', () => {
    const own = [measured(config(1, 1), 9)];
    // Improvements ln(9/6) = 0.405 and ln(9/5) = 0.588; the second keeps the limit with a chance of 1/2: 0.294.
    const expected = [
      { at: config(1, 2), latencyMs: 6, p99: 6 },
      { at: config(1, 3), latencyMs: 5, p99: 10 },
    ];
    assert.equal(next(LIMITED, expected, own), '1/2');
    assert.equal(next(LATENCY, expected, own), '1/3');
  });

  it('improves on the best that keeps the limits, not on one that does not', () => {
    const own = [measured(config(1, 1), 9), measured(config(2, 1), 50), measured(config(1, 4), 8)];
    assert.equal(next(LIMITED, [{ at: config(4, 2), latencyMs: 8.5 }], own), null);
    assert.equal(next(LIMITED, [{ at: config(4, 2), latencyMs: 7.5 }], own), '4/2');
  });

  it('is none that promises less than 0.3 %, once the model has seen enough', () => {
    const own = [measured(config(1, 1), 10)];
    const far = (gain: number) => [{ at: config(4, 4), latencyMs: 10 * Math.exp(-gain) }];
    assert.equal(next(LATENCY, far(0.0031), own), '4/4');
    assert.equal(next(LATENCY, far(0.0029), own), null);
    assert.equal(next(LATENCY, far(0.0029), own, false), '4/4', 'a model of a handful may not end the search');
  });
});

describe('where nothing promises anything', () => {
  const own = [measured(config(2, 2), 10), measured(config(4, 4), 30)];
  const beside = (latencyMs: number, deviation = SURE, at = config(2, 3)) => [{ at, latencyMs, deviation }];

  it('a config one step from the best is looked at, unless it is twice the doubt behind', () => {
    assert.equal(next(LATENCY, beside(10 * Math.exp(0.059)), own), '2/3');
    assert.equal(next(LATENCY, beside(10 * Math.exp(0.061)), own), null);
    // The doubt is never less than 0.03, and the forecast's own where that is more.
    assert.equal(next(LATENCY, beside(10 * Math.exp(0.19), 0.1), own), '2/3');
    assert.equal(next(LATENCY, beside(10 * Math.exp(0.21), 0.1), own), null);
  });

  it('no config two steps away is', () => {
    for (const at of [config(2, 4), config(1, 1), config(4, 3)])
      assert.equal(next(LATENCY, beside(10.1, SURE, at), own), null);
    for (const at of [config(2, 1), config(1, 2), config(4, 2)])
      assert.equal(next(LATENCY, beside(10.1, SURE, at), own), `${at.batchSize}/${at.threads}`);
  });

  it('the best of the neighbours is', () => {
    const [near, nearer, farther] = [config(1, 2), config(2, 3), config(4, 2)];
    const expected = [
      { at: near, latencyMs: 10.3 },
      { at: nearer, latencyMs: 10.1 },
      { at: farther, latencyMs: 10.4 },
    ];
    assert.equal(next(LATENCY, expected, own), '2/3');
    assert.equal(next(LATENCY, [...expected].reverse(), own), '2/3');
    assert.equal(next(LATENCY, [...expected].reverse(), [...own].reverse()), '2/3');
  });

  it('none that is unlikely to keep the limits is', () => {
    const limited = (z: number) => [
      { at: config(2, 3), latencyMs: 10.1, p99: 12 * Math.exp(z * 0.001), deviation: 0.001 },
    ];
    const wanted = goals(['latency.p50'], ['latency.p99 <= 12 ms']);
    // Φ(−1.6) = 0.0548, Φ(−1.7) = 0.0446.
    assert.equal(next(wanted, limited(1.6), own), '2/3');
    assert.equal(next(wanted, limited(1.7), own), null);
  });
});

it('by how much others miss the limits is of no interest where a config keeps them', () => {
  const uncertain = [{ at: config(4, 4), latencyMs: 9.5, p99: 11, p99Deviation: 0.5 }];
  assert.equal(next(LIMITED, uncertain, [measured(config(1, 1), 9)]), null);
});

describe('where nothing keeps the limits', () => {
  const own = [measured(config(1, 1), 20), measured(config(2, 1), 30)];
  const sure = (latencyMs: number) => [{ at: config(1, 2), latencyMs }];
  const chance = (z: number) => [
    { at: config(1, 2), latencyMs: 10 * Math.exp(z * 0.01), deviation: 0.01 },
    { at: config(4, 4), latencyMs: 1000, deviation: SURE },
  ];

  it('one that has a small chance is measured, and below 0.5 % only to learn by how much it fails', () => {
    // Φ(−2.55) = 0.00539 and Φ(−2.6) = 0.00466, where the excess is far less than any that was measured.
    assert.equal(next(LIMITED, chance(2.55), own), '1/2');
    assert.equal(next(LIMITED, chance(2.6), own), '1/2');
  });

  it('the config that misses them by the least is measured, if that is less by 2 %', () => {
    // The best so far exceeds the limit by ln 2.
    assert.equal(next(LIMITED, sure(20 * Math.exp(-0.021)), own), '1/2');
    assert.equal(next(LIMITED, sure(20 * Math.exp(-0.019)), own), null);
    assert.equal(next(LIMITED, sure(25), own), null);
  });

  it('the greatest promise wins', () => {
    const expected = [
      { at: config(1, 2), latencyMs: 18 },
      { at: config(1, 3), latencyMs: 15 },
      { at: config(1, 4), latencyMs: 17 },
    ];
    assert.equal(next(LIMITED, expected, own), '1/3');
  });

  it('a limit from below is missed from below, and what keeps a limit is no merit', () => {
    const wanted = goals(['latency.p50'], ['throughput >= 200 /s']);
    // 20 ms a run: 50 a second, short of 200 by ln 4.
    const expected = (throughput: number, latencyMs = 100) => [{ at: config(1, 2), latencyMs, throughput }];
    assert.equal(next(wanted, expected(60), [own[0] as (typeof own)[0]]), '1/2');
    assert.equal(next(wanted, expected(49), [own[0] as (typeof own)[0]]), null);
    const both = goals(['latency.p50'], ['throughput >= 200 /s', 'latency.p99 <= 1 s']);
    assert.equal(next(both, expected(49, 1), [own[0] as (typeof own)[0]]), null);
    const harder = goals(['latency.p50'], ['throughput >= 200 /s', 'latency.p99 <= 10 ms']);
    // Shown: ln 4 and ln 2 together.
    assert.equal(next(harder, expected(50, 15), [own[0] as (typeof own)[0]]), '1/2');
    assert.equal(next(harder, expected(60, 24), [own[0] as (typeof own)[0]]), null);
  });

  it('a metric that nobody could measure decides nothing', () => {
    const wanted = goals(['latency.p50'], ['latency.p99 <= 10 ms', 'energy <= 1 J']);
    assert.equal(next(wanted, sure(15), own), '1/2');
  });
});
