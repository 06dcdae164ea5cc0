import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import { isSynthetic, stopCriteriaSchema, studySpecSchema } from '@edgetune/shared/domain/study.ts';
import { checkBounds } from './support/schema-bounds.ts';

const LEAST = { name: 'a', dataset: { format: 'synthetic-images' }, devices: ['pi', 'orin'] };

const issuesOf = (change: object) =>
  (studySpecSchema.safeParse({ ...LEAST, ...change }).error?.issues ?? []).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

describe('a study', () => {
  it('has defaults for all but name, data set and devices', () => {
    const { dataset, ...rest } = studySpecSchema.parse(LEAST);
    assert.deepEqual(dataset, LEAST.dataset);
    assert.deepEqual(rest, {
      name: 'a',
      devices: ['pi', 'orin'],
      workload: 'image-classifier',
      scenario: { kind: 'single-stream' },
      objectives: [
        { metric: 'accuracy', direction: 'maximize', aggregate: 'worst' },
        { metric: 'latency.p50', direction: 'minimize', aggregate: 'worst' },
      ],
      constraints: [],
      budget: { minEpochs: 1, maxEpochs: 9, minDataFraction: 0.3, maxDataFraction: 1, reductionFactor: 3 },
      tuner: { mode: 'onefold', sampler: 'auto', scheduler: 'auto', seed: 1, initialCandidates: [] },
      stop: { trials: 20, target: [] },
      quantisation: { maxAccuracyDrop: 0.01 },
      recommend: 3,
      trainingRetries: 2,
      deterministic: false,
      notes: {},
    });
  });

  it('keeps its numbers within what makes sense', () => {
    checkBounds(studySpecSchema, LEAST, [
      ['name', ['a', 'A 1._-', 'x'.repeat(100)], ['', ' a', '-a', 'x'.repeat(101), 'a/b', 'a\nb']],
      ['devices', [['pi']], [[], ['pi', 'pi'], ['a b']]],
      ['budget.minEpochs', [1, 9], [0, 1.5, -1]],
      ['budget.maxEpochs', [1, 1000], [0, 1.5]],
      ['budget.minDataFraction', [0.001, 1], [0, -0.1, 1.01]],
      ['budget.maxDataFraction', [0.3, 1], [0, 1.01]],
      ['budget.reductionFactor', [2, 2.5, 10], [1.9, 10.1]],
      ['quantisation.maxAccuracyDrop', [0, 1], [-0.01, 1.01]],
      ['recommend', [1, 20], [0, 21, 1.5]],
      ['parallelTrials', [1, 64], [0, 1.5]],
      ['stop.trials', [1, 1e6], [0, 1.5, -1]],
      ['stop.timeS', [0.1], [0, -1]],
      ['stop.energyJ', [0.1], [0, -1]],
      ['stop.noImprovement', [1], [0, 1.5]],
      ['tuner.seed', [-1, 0, 7], [1.5]],
      ['objectives', [['accuracy'], [{ metric: 'energy', direction: 'minimize' }]], [[], ['speed']]],
      ['unknown', [], [1]],
    ]);
  });

  it('is refused where one part contradicts another, at its place', () => {
    assert.deepEqual(issuesOf({ budget: { minEpochs: 10 } }), ['budget.minEpochs: must be at most maxEpochs (9)']);
    assert.deepEqual(issuesOf({ budget: { minEpochs: 9 } }), []);
    assert.deepEqual(issuesOf({ budget: { minDataFraction: 0.6, maxDataFraction: 0.5 } }), [
      'budget.minDataFraction: must be at most maxDataFraction (0.5)',
    ]);
    assert.deepEqual(issuesOf({ budget: { minDataFraction: 0.5, maxDataFraction: 0.5 } }), []);
    assert.deepEqual(issuesOf({ budget: { minEpochs: 1, maxEpochs: 81, throughEpochs: [9, 27] } }), []);
    assert.deepEqual(issuesOf({ budget: { minEpochs: 2, maxEpochs: 27, throughEpochs: [1, 9, 9, 27] } }), [
      'budget.throughEpochs.0: must be at least minEpochs (2)',
      'budget.throughEpochs.2: must be more than the one before (9)',
      'budget.throughEpochs.3: must be less than maxEpochs (27)',
    ]);
    assert.deepEqual(issuesOf({ devices: ['a', 'b', 'a'] }), ['devices: named twice: a']);
    assert.deepEqual(issuesOf({ objectives: ['accuracy', 'latency on nano'] }), [
      `objectives.1: device "nano" is not one of the study's devices (pi, orin)`,
    ]);
    assert.deepEqual(issuesOf({ objectives: ['accuracy', 'latency on orin'] }), []);
    assert.deepEqual(issuesOf({ constraints: ['memory <= 1 MB', 'latency <= 1 ms on nano'] }), [
      `constraints.1: device "nano" is not one of the study's devices (pi, orin)`,
    ]);
    assert.deepEqual(issuesOf({ constraints: ['latency <= 1 ms on pi'] }), []);
    assert.match(issuesOf({ prefer: 'at most 1 ms of latency' })[0] ?? '', /^prefer.atMost: names latency.p50, but/);
    assert.deepEqual(issuesOf({ prefer: 'at most 1 point of accuracy' }), []);
    assert.match(issuesOf({ prefer: 'much accuracy' })[0] ?? '', /^prefer: "much accuracy" is not a preference/);
  });

  it('names its own devices only, also in what it stops at', () => {
    for (const [change, path] of [
      [{ stop: { target: ['accuracy >= 0.5', 'latency.p99 <= 30 ms on ktchen-pi'] } }, 'stop.target.1'],
      [{ constraints: ['latency.p99 <= 30 ms on ktchen-pi'] }, 'constraints.0'],
      [{ objectives: ['minimize latency.p99 on ktchen-pi'] }, 'objectives.0'],
    ] as const)
      assert.deepEqual(issuesOf(change), [`${path}: device "ktchen-pi" is not one of the study's devices (pi, orin)`]);
    assert.deepEqual(issuesOf({ stop: { target: ['latency.p99 <= 30 ms on pi'] } }), []);
  });

  it('is refused with keys that say nothing in its objectives, constraints, targets and scenario', () => {
    const unknown = (change: object) => mistakesIn(studySpecSchema.safeParse({ ...LEAST, ...change }).error as never);
    for (const [change, path] of [
      [{ objectives: [{ metric: 'accuracy', direction: 'maximize', on: 'pi' }] }, 'objectives.0.on'],
      [{ constraints: [{ metric: 'memory', operator: '<=', limit: 1, limt: 2 }] }, 'constraints.0.limt'],
      [{ stop: { target: [{ metric: 'accuracy', operator: '>=', limit: 1, unit: '%' }] } }, 'stop.target.0.unit'],
      [{ scenario: { kind: 'multi-stream', samples: 4 } }, 'scenario.samples'],
      [{ scenario: { kind: 'server', arrivalsPerS: 4, batchingWindow: 4 } }, 'scenario.batchingWindow'],
      [{ scenario: { kind: 'offline', samples: 4 } }, 'scenario.samples'],
      [{ scenario: { kind: 'single-stream', samples: 4 } }, 'scenario.samples'],
    ] as const) {
      const found = unknown(change);
      assert.deepEqual([found.length, found[0]?.path.join('.')], [1, path], JSON.stringify(found));
      assert.match(found[0]?.message ?? '', /unknown key/);
    }
    const both = { kind: 'server', arrivalsPerS: 4, p99BoundMs: 4 };
    assert.match(unknown({ scenario: both })[0]?.message ?? '', /either arrivalsPerS/, 'other rules hold as before');
    const ratio = { metric: 'edgetune.time', direction: 'maximize' };
    assert.match(unknown({ objectives: [ratio] })[0]?.message ?? '', /minimised/);
  });

  it('may name parts of any version, and a data format with settings of its own', () => {
    const dataset = { format: 'of another version', path: '/data', colours: 3 };
    const tuner = { sampler: 'of another version', scheduler: 'this too' };
    const spec = studySpecSchema.parse({ ...LEAST, workload: 'old', dataset, tuner });
    assert.deepEqual([spec.workload, spec.dataset, spec.tuner.sampler], ['old', dataset, 'of another version']);
    for (const nameless of [{ workload: '' }, { dataset: { format: '' } }, { dataset: { path: '/data' } }])
      assert.equal(issuesOf(nameless).length, 1, JSON.stringify(nameless));
    for (const settings of [{ sampler: '' }, { scheduler: '' }]) assert.equal(issuesOf({ tuner: settings }).length, 1);
  });

  it('is on synthetic data where the format is named so', () => {
    assert.equal(isSynthetic({ format: 'synthetic-images' }), true);
    assert.equal(isSynthetic({ format: 'photos-synthetic-' }), false);
  });

  it('may write objectives, constraints and targets as text', () => {
    const spec = studySpecSchema.parse({ ...LEAST, constraints: ['latency.p99 <= 30 ms on pi'] });
    assert.deepEqual(spec.constraints, [{ metric: 'latency.p99', operator: '<=', limit: 30, device: 'pi' }]);
    assert.deepEqual(stopCriteriaSchema.parse({ target: ['accuracy >= 90 %'] }).target, [
      { metric: 'accuracy', operator: '>=', limit: 0.9 },
    ]);
    assert.match(issuesOf({ constraints: ['latency is small'] })[0] ?? '', /^constraints.0: "latency is small" is not/);
  });
});
