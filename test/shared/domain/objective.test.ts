import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  anyConstraintSchema,
  anyObjectiveSchema,
  constraintSchema,
  formatConstraint,
  formatObjective,
  METRICS,
  metricInfo,
  objectiveSchema,
  parseAnyConstraint,
  parseAnyObjective,
  parseConstraint,
  parseObjective,
  qualityObjective,
  violationOf,
} from '@edgetune/shared/domain/objective.ts';
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import fc from 'fast-check';

const plain = Object.keys(METRICS).filter((name) => METRICS[name]?.ratio === undefined);
const metric = fc.constantFrom(...plain);
const deviceMetric = fc.constantFrom(...plain.filter((name) => METRICS[name]?.of === 'device'));

describe('objectives', () => {
  it('are read as people write them', () => {
    assert.deepEqual(parseObjective('accuracy'), { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' });
    assert.deepEqual(parseObjective('minimise latency mean'), {
      metric: 'latency.p50',
      direction: 'minimize',
      aggregate: 'mean',
    });
    assert.deepEqual(parseObjective('minimize energy on kitchen-pi'), {
      metric: 'energy',
      direction: 'minimize',
      aggregate: 'worst',
      device: 'kitchen-pi',
    });
    assert.throws(() => parseObjective('minimize speed'), /unknown metric "speed": use one of accuracy/);
    const object = { metric: 'speed', direction: 'minimize' };
    assert.throws(() => objectiveSchema.parse(object), /unknown metric .*speed.*: use one of accuracy/);
    assert.throws(() => parseObjective('maximize accuracy on pi'), /belongs to the trial, not to a device/);
    assert.throws(() => parseObjective('latency please'), /is not an objective: write it like/);
  });

  it('may be a named ratio, which is minimised and never limited', () => {
    const ratio = { metric: 'edgetune.time', direction: 'minimize', aggregate: 'worst' };
    assert.deepEqual(parseObjective('edgetune.time'), ratio);
    assert.deepEqual(objectiveSchema.parse(ratio), ratio);
    assert.equal(
      formatObjective(parseObjective('edgetune.energy on kitchen-pi')),
      'minimize edgetune.energy on kitchen-pi',
    );
    assert.throws(() => parseObjective('maximize edgetune.time'), /can only be minimised/);
    assert.throws(() => objectiveSchema.parse({ ...ratio, direction: 'maximize' }), /can only be minimised/);
    assert.throws(
      () => parseConstraint('edgetune.time <= 3'),
      /is computed .trainingTime × latency.p50 ÷ accuracy.: name one of its parts/,
    );
    assert.throws(() => constraintSchema.parse({ metric: 'edgetune.time', operator: '<=', limit: 3 }), /is computed/);
  });

  it('know of each metric its unit, its better side and whose it is', () => {
    const table = Object.entries(METRICS).map(
      ([name, { dimension, direction, of }]) => `${name} ${dimension} ${direction === 'minimize' ? '↓' : '↑'} ${of}`,
    );
    assert.deepEqual(table, [
      'accuracy ratio ↑ trial',
      'f1 ratio ↑ trial',
      'top5 ratio ↑ trial',
      'loss count ↓ trial',
      'trainingTime time ↓ trial',
      'trainingEnergy energy ↓ trial',
      'parameters count ↓ trial',
      'macs count ↓ trial',
      'modelSize memory ↓ trial',
      'latency.mean time ↓ device',
      'latency.p50 time ↓ device',
      'latency.p90 time ↓ device',
      'latency.p95 time ↓ device',
      'latency.p99 time ↓ device',
      'latency.p999 time ↓ device',
      'throughput rate ↑ device',
      'memory memory ↓ device',
      'energy energy ↓ device',
      'power power ↓ device',
      'edgetune.time count ↓ device',
      'edgetune.energy count ↓ device',
    ]);
    assert.deepEqual(METRICS['edgetune.energy']?.ratio, {
      ofTrial: 'trainingEnergy',
      ofDevice: 'energy',
      over: 'accuracy',
    });
  });

  it("may be a program's own, with the direction said", () => {
    assert.deepEqual(parseAnyObjective('maximise reward'), {
      metric: 'reward',
      direction: 'maximize',
      aggregate: 'worst',
    });
    assert.throws(() => parseAnyObjective('reward'), /say "minimize reward" or "maximize reward"/);
    assert.throws(() => parseAnyObjective('minimize toString'), /"toString" cannot be used as the name of a metric/);
    assert.throws(() => parseAnyObjective('minimize reward on pi'), /belongs to the trial/);
    assert.deepEqual(parseAnyConstraint('reward >= 3'), { metric: 'reward', operator: '>=', limit: 3 });
    assert.throws(() => parseAnyConstraint('constructor >= 3'), /cannot be used as the name of a metric/);
    assert.ok(!anyObjectiveSchema.safeParse({ metric: 'constructor', direction: 'minimize' }).success);
    assert.ok(!anyObjectiveSchema.safeParse({ metric: '', direction: 'minimize' }).success);
    assert.ok(anyObjectiveSchema.safeParse({ metric: 'reward', direction: 'minimize' }).success);
    assert.ok(!anyObjectiveSchema.safeParse({ metric: 'edgetune.time', direction: 'maximize' }).success);
    assert.ok(!anyConstraintSchema.safeParse({ metric: 'edgetune.time', operator: '<=', limit: 1 }).success);
  });

  it('may be of one class of the data set', () => {
    assert.deepEqual(parseObjective('recall."hot dog"'), {
      ...{ metric: 'recall."hot dog"', direction: 'maximize', aggregate: 'worst' },
    });
    assert.equal(parseObjective('maximize precision."dog"').metric, 'precision.dog');
    assert.deepEqual(parseConstraint('recall.dog >= 90 %'), { metric: 'recall.dog', operator: '>=', limit: 0.9 });
    assert.equal(formatConstraint(parseConstraint('recall."hot dog">=0.9')), 'recall."hot dog" >= 90 %');
    const written = (metric: string) => objectiveSchema.safeParse({ metric, direction: 'maximize' }).success;
    assert.deepEqual(['recall.dog', 'recall."dog"', 'recall', 'recall.'].map(written), [true, false, false, false]);
    assert.throws(
      () => parseObjective('recall'),
      /unknown metric "recall": use one of .*, precision.CLASS, recall.CLASS/,
    );
    assert.throws(() => parseObjective('recall.dog on pi'), /belongs to the trial/);
    const { isQuality, dimension, description } = metricInfo('recall.dog');
    assert.deepEqual(
      [isQuality, dimension, description],
      [true, 'ratio', 'share of the samples of “dog” that are recognised'],
    );
  });

  it('name what training is after: the first that says how well the model does, else accuracy', () => {
    const after = (...texts: string[]) => qualityObjective(texts.map(parseObjective)).metric;
    assert.equal(after('minimize latency.p50', 'maximize f1', 'maximize accuracy'), 'f1');
    assert.equal(after('minimize loss'), 'loss');
    assert.equal(after('minimize memory', 'minimize trainingTime'), 'accuracy');
  });

  it('written and read again are the same', () => {
    fc.assert(
      fc.property(
        metric,
        fc.constantFrom('minimize', 'maximize'),
        fc.constantFrom('worst', 'mean', 'each'),
        (name, direction, aggregate) => {
          const objective = parseObjective(
            METRICS[name]?.of === 'device' ? `${direction} ${name} ${aggregate}` : `${direction} ${name}`,
          );
          assert.deepEqual(parseObjective(formatObjective(objective)), objective);
        },
      ),
    );
  });
});

describe('constraints', () => {
  it('are read with their units and devices', () => {
    assert.deepEqual(parseConstraint('latency.p99 <= 30 ms on kitchen-pi'), {
      metric: 'latency.p99',
      operator: '<=',
      limit: 30,
      device: 'kitchen-pi',
    });
    assert.deepEqual(parseConstraint('accuracy>=80%'), { metric: 'accuracy', operator: '>=', limit: 0.8 });
    for (const sign of ['<=', '<', '≤']) assert.equal(parseConstraint(`energy ${sign} 1 J`).operator, '<=');
    for (const sign of ['>=', '>', '≥']) assert.equal(parseConstraint(`energy ${sign} 1 J`).operator, '>=');
    assert.throws(() => parseConstraint('accuracy >= 0.5 on pi'), /belongs to the trial, not to a device/);
    assert.equal(formatConstraint(parseConstraint('accuracy >= 80 %')), 'accuracy >= 80 %');
    assert.equal(formatConstraint(parseConstraint('latency <= 3 ms on pi')), 'latency.p50 <= 3 ms on pi');
    assert.throws(() => parseConstraint('memory <= 30 ms'), /"30 ms" is not a memory/);
    assert.throws(() => parseConstraint('memory = 3 MB'), /is not a constraint/);
    assert.throws(() => parseConstraint('memory <= 3 constructor'), /"3 constructor" is not a memory/);
  });

  it('are refused in a unit that measures something else, or that nobody knows', () => {
    const units = { time: 'ms', memory: 'MB', energy: 'mJ', power: 'W', rate: 'samples/s' } as const;
    fc.assert(
      fc.property(
        metric,
        fc.constantFrom(...Object.entries(units)),
        fc.string({ minLength: 1 }),
        (name, [of, unit], odd) => {
          const { dimension } = METRICS[name] as (typeof METRICS)[string];
          if (dimension !== of) assert.throws(() => parseConstraint(`${name} <= 3 ${unit}`), /is not a/);
          assert.throws(() => parseConstraint(`${name} <= 3 x${odd.replaceAll(/\s+on\s.*/g, '')}`), RangeError);
        },
      ),
    );
  });

  it('on a device that the study does not have are refused, whatever its name', () => {
    const dataset = { format: 'synthetic-images' };
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/), (device) => {
        fc.pre(device !== 'kitchen-pi');
        const spec = { name: 's', dataset, devices: ['kitchen-pi'], constraints: [`latency <= 3 ms on ${device}`] };
        const { error } = studySpecSchema.safeParse(spec);
        assert.match(error?.issues[0]?.message ?? '', /is not one of the study's devices .kitchen-pi./);
        assert.deepEqual(error?.issues[0]?.path, ['constraints', 0]);
      }),
    );
  });

  it('written and read again hold for the same values, to the digits written', () => {
    fc.assert(
      fc.property(
        deviceMetric,
        fc.integer({ min: 1, max: 999 }),
        fc.constantFrom('<=', '>='),
        (name, limit, operator) => {
          const constraint = { metric: name, operator, limit } as const;
          const again = parseConstraint(formatConstraint(constraint));
          assert.ok(Math.abs(again.limit - limit) <= 1e-9 * limit);
          assert.deepEqual({ ...again, limit }, constraint);
        },
      ),
    );
  });

  it('are violated by the share of the limit that is exceeded, and by what is no number without bound', () => {
    const below = parseConstraint('latency.p99 <= 20 ms');
    assert.deepEqual(
      [10, 20, 30, 40].map((value) => violationOf(below, value)),
      [0, 0, 0.5, 1],
    );
    assert.equal(violationOf(parseConstraint('accuracy >= 80 %'), 0.4), 0.5);
    assert.equal(violationOf(below, Number.NaN), Infinity);
    assert.equal(violationOf({ metric: 'loss', operator: '<=', limit: -2 }, -1), 0.5);
    assert.ok(violationOf({ metric: 'loss', operator: '<=', limit: 0 }, 1) > 1e300);
  });
});
