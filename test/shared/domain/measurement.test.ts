import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  latencyStatisticsSchema,
  measurementSchema,
  sha256Schema,
  storedMeasurementSchema,
} from '@edgetune/shared/domain/measurement.ts';
import {
  constraintsOn,
  meetsConstraints,
  metricsOf,
  violationOfMeasured,
} from '@edgetune/shared/domain/measurement-metrics.ts';
import { parseConstraint } from '@edgetune/shared/domain/objective.ts';
import { measurement, storedMeasurement } from '../../support/measurement.ts';
import { checkBounds } from './support/schema-bounds.ts';

const ENERGY = { netJ: 0.5, grossJ: 0.7, meanPowerW: 5, source: 'meter', meter: 'INA219', sampleCount: 10 } as const;

describe('a measurement', () => {
  it('fits its schema, with and without what a board may not tell', () => {
    checkBounds(measurementSchema, measurement({ energy: ENERGY }), [
      ['outcome', ['invalid', 'out-of-memory', 'crashed', 'timed-out'], ['good']],
      ['attempts', [1, undefined], [0, 1.5]],
      [
        'energy',
        [null, { ...ENERGY, sampleCount: 0 }],
        [
          { ...ENERGY, sampleCount: -1 },
          { ...ENERGY, source: 'guess' },
        ],
      ],
      ['latencyMs', [null], [{}]],
      ['stopReason', ['converged', null], ['bored']],
      ['modelSha256', ['f'.repeat(64)], ['f'.repeat(63), 'F'.repeat(64)]],
    ]);
    checkBounds(latencyStatisticsSchema, measurement().latencyMs as object, [
      ['count', [1], [0, 1.5]],
      ['p50Interval', [[1, 2]], [[1], [1, 2, 3]]],
    ]);
    assert.ok(storedMeasurementSchema.safeParse(storedMeasurement()).success);
    assert.match(sha256Schema.safeParse('x').error?.message ?? '', /64 hexadecimal digits/);
  });
});

describe('the metrics of a measurement', () => {
  it('are named as objectives name them; what was not measured is absent', () => {
    const { latencyMs } = measurement();
    const latency = { mean: 1, p50: 2, p90: 3, p95: 4, p99: 5, p999: 6 };
    const full = measurement({ latencyMs: { ...(latencyMs as object), ...latency } as never, energy: ENERGY });
    assert.deepEqual(metricsOf(full), {
      'latency.mean': 1,
      'latency.p50': 2,
      'latency.p90': 3,
      'latency.p95': 4,
      'latency.p99': 5,
      'latency.p999': 6,
      throughput: 500,
      memory: 1e7,
      energy: 0.5,
      power: 5,
    });
    assert.deepEqual(metricsOf(measurement({ latencyMs: null, throughputPerS: null, peakMemoryBytes: null })), {});
    assert.deepEqual(metricsOf(measurement({ latencyMs: null, throughputPerS: 0, peakMemoryBytes: 0 })), {
      throughput: 0,
      memory: 0,
    });
  });

  it('keep constraints where all that concern the device hold, and the measurement is good', () => {
    const meets = (texts: string[], change = {}) =>
      meetsConstraints(measurement(change), texts.map(parseConstraint), 'pi');
    assert.equal(meets([]), true);
    assert.equal(meets(['latency <= 2 ms', 'memory <= 10 MB on pi']), true);
    assert.equal(meets(['latency <= 2 ms', 'memory <= 9 MB on pi']), false);
    assert.equal(meets(['memory <= 9 MB on other']), true);
    assert.equal(meets(['energy <= 1 J']), false, 'what was not measured keeps nothing');
    assert.equal(meets(['modelSize <= 1 B']), true, 'the file is none of the device’s');
    assert.equal(meets([], { outcome: 'invalid' }), false);
  });

  it('miss a limit of what was not measured by all of it, and others by their share', () => {
    const limits = ['latency <= 2 ms', 'energy <= 1 J', 'memory <= 8 MB on pi', 'memory <= 1 B on other'].map(
      parseConstraint,
    );
    const on = constraintsOn(limits, 'pi');
    assert.deepEqual(on, limits.slice(0, 3));
    assert.equal(violationOfMeasured(on, { 'latency.p50': 3, memory: 8e6 }), 0.5 + 1);
    assert.equal(violationOfMeasured(on, { 'latency.p50': 2, energy: 1, memory: 1e7 }), 0.25);
  });
});
