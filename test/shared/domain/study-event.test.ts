import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type StudyEventBody, studyEventBodySchema, studyEventSchema } from '@edgetune/shared/domain/study-event.ts';
import { measurement, storedMeasurement } from '../../support/measurement.ts';
import { checkBounds } from './support/schema-bounds.ts';

const SHA = 'a'.repeat(64);
const RUNG = { trialId: 0, rung: 0 };

/** One event of each kind that has numbers, with their limits. */
const EVENTS: [StudyEventBody, Parameters<typeof checkBounds>[2]][] = [
  [
    {
      type: 'trial-asked',
      ask: 0,
      ...RUNG,
      bracket: 0,
      candidate: { width: 3 },
      budget: { epochs: 1, dataFraction: 1 },
      proposedBy: 'random',
    },
    [
      ['ask', [1], [-1, 0.5]],
      ['trialId', [7], [-1, 0.5]],
      ['rung', [2], [-1, 0.5]],
      ['bracket', [1], [-1, 0.5]],
      ['budget.epochs', [0.5], [0, -1]],
      ['budget.dataFraction', [0.001], [0, 1.01]],
    ],
  ],
  [
    {
      type: 'architecture-built',
      trialId: 0,
      signature: 's',
      modelSha256: SHA,
      modelBytes: 1,
      parameters: 0,
      macs: 0,
      int8: { signature: 'q', modelSha256: SHA, modelBytes: 1 },
    },
    [
      ['modelBytes', [9], [0, 1.5]],
      ['parameters', [1], [-1, 0.5]],
      ['macs', [1e12], [-1]],
      ['int8', [undefined, { reason: 'none' }], [{ signature: 'q', modelSha256: SHA, modelBytes: 0 }]],
    ],
  ],
  [{ type: 'training-started', ...RUNG, backend: 'wasm', trainingCores: 1 }, [['trainingCores', [2], [0, 1.5]]]],
  [
    {
      type: 'training-finished',
      ...RUNG,
      metrics: { accuracy: 0.5 },
      checkpointSha256: null,
      seconds: 0,
      cpuSeconds: 0,
      energyJ: 0,
      energySource: 'estimate',
    },
    [
      ['seconds', [1], [-1]],
      ['cpuSeconds', [1], [-1]],
      ['energyJ', [1], [-1]],
      ['energySource', ['meter'], ['simulated']],
      ['metrics', [{ 'latency.p50@pi': 1 }], [{ accuracy: 'good' }]],
    ],
  ],
  [
    { type: 'measured', trialId: 0, measurement: storedMeasurement(), source: 'measured' },
    [
      ['source', ['reused-device', 'reused-class'], ['invented']],
      ['measurement', [], [measurement()]],
    ],
  ],
  [
    {
      type: 'inference-finished',
      trialId: 0,
      signature: 's',
      device: 'pi',
      best: null,
      feasible: false,
      violation: 0,
      metrics: {},
      measurements: 0,
      reason: null,
    },
    [
      ['violation', [1e6], [-0.1]],
      ['measurements', [1], [-1, 0.5]],
      ['possible', [0, undefined], [-1, 0.5]],
    ],
  ],
  [
    {
      type: 'trial-told',
      ...RUNG,
      status: 'ok',
      metrics: {},
      predicted: [],
      violation: 0,
      cost: { seconds: 0, joules: 0 },
      reason: null,
    },
    [
      ['violation', [0.5], [-0.1]],
      ['status', ['infeasible', 'failed', 'stopped'], ['bad']],
    ],
  ],
  [{ type: 'trial-amended', ...RUNG, metrics: {}, violation: 0 }, [['violation', [0.5], [-0.1]]]],
];

describe('the events of a study', () => {
  for (const [event, bounds] of EVENTS)
    it(`${event.type}: keeps its numbers within what makes sense`, () => {
      assert.deepEqual(studyEventBodySchema.parse(event), event);
      checkBounds(studyEventBodySchema, event, bounds);
    });

  it('are numbered from 1', () => {
    const event = { seq: 1, studyId: 's-1', at: '', body: { type: 'warning', message: 'm' } };
    checkBounds(studyEventSchema, event, [
      ['seq', [2], [0, 1.5]],
      ['body', [], [{ type: 'unheard-of' }]],
    ]);
  });
});
