/** Metrics and violations as the tuner is told them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConstraint } from '@edgetune/shared/domain/objective.ts';
import { searchSpaceSchema } from '@edgetune/shared/domain/search-space.ts';
import {
  bytesIn,
  deviceMetrics,
  graphMetrics,
  graphViolation,
  precisionsOf,
  trainingCosts,
  trialViolation,
} from '../../../../coordinator/study/state/trial-metrics.ts';
import { near } from '../../../support/near.ts';

const int8 = { signature: 'i', modelSha256: 'b', modelBytes: 100 };
const facts = { signature: 'w', modelSha256: 'a', modelBytes: 400, parameters: 50, macs: 1000 };
const withInt8 = { ...facts, int8 };
const without = { ...facts, int8: { reason: 'no convolution' } };

test('the precisions that configs may ask for: those that the space lists, else float32', () => {
  const space = (inference: object) => precisionsOf(searchSpaceSchema.parse({ inference }));
  assert.deepEqual(space({ precision: { type: 'categorical', choices: ['int8', 'float32'] } }), ['float32', 'int8']);
  assert.deepEqual(space({ precision: { type: 'constant', value: 'int8' } }), ['int8']);
  assert.deepEqual(space({}), ['float32']);
});

test('the size of the file that a precision runs', () => {
  assert.deepEqual(
    [bytesIn(withInt8, 'int8'), bytesIn(withInt8, 'float32'), bytesIn(withInt8, 'float16')],
    [100, 400, 400],
  );
  assert.deepEqual([bytesIn(without, 'int8'), bytesIn(facts, 'int8')], [400, 400]);
  // What only the exported file says stands in each.
  const labelled = { ...withInt8, metadataBytes: 7 };
  assert.deepEqual([bytesIn(labelled, 'int8'), bytesIn(labelled, 'float32')], [107, 407]);
});

test('what the graph says: the smallest file counts', () => {
  assert.deepEqual(graphMetrics(withInt8, ['float32', 'int8']), { parameters: 50, macs: 1000, modelSize: 100 });
  assert.deepEqual(graphMetrics(withInt8, ['float32']), { parameters: 50, macs: 1000, modelSize: 400 });
});

test('a device is part of the names of its metrics', () => {
  assert.deepEqual(deviceMetrics('pi', { memory: 7, 'latency.p50': 2 }), { 'memory@pi': 7, 'latency.p50@pi': 2 });
});

test('training costs are sums over the rungs of the trial, in milliseconds and joules; none in deterministic mode', () => {
  const rungs = [
    { trialId: 1, seconds: 2, energyJ: 5 },
    { trialId: 2, seconds: 100, energyJ: 200 },
    { trialId: 1, seconds: 3, energyJ: 7 },
  ];
  assert.deepEqual(trainingCosts({ deterministic: false }, rungs, 1), { trainingTime: 5000, trainingEnergy: 12 });
  assert.deepEqual(trainingCosts({ deterministic: false }, rungs, 9), { trainingTime: 0, trainingEnergy: 0 });
  assert.deepEqual(trainingCosts({ deterministic: true }, rungs, 1), {});
});

test('violations are summed over the constraints on the trial; what is not known and what devices decide violates nothing', () => {
  const constraints = ['macs <= 500', 'accuracy >= 0.8', 'parameters <= 40', 'latency.p50 <= 1 ms'].map(
    parseConstraint,
  );
  const metrics = { macs: 1000, parameters: 50, 'latency.p50': 9 };
  near(trialViolation(constraints, metrics), 1.25);
  near(trialViolation(constraints, { ...metrics, accuracy: 0.6 }), 1.5);
  near(trialViolation(constraints, metrics, ['macs']), 1);
  assert.equal(trialViolation(constraints, metrics, []), 0);
  assert.equal(trialViolation(constraints, { macs: 500, accuracy: 0.8, parameters: 40 }), 0);
});

test('the graph violates what even its least violating precision does', () => {
  const constraints = ['modelSize <= 0.2 kB', 'macs <= 800', 'parameters <= 100'].map(parseConstraint);
  near(graphViolation(constraints, withInt8, ['float32']), 1.25);
  near(graphViolation(constraints, withInt8, ['float32', 'int8']), 0.25);
  near(graphViolation(['parameters <= 40', 'trainingTime <= 0 ms'].map(parseConstraint), facts, ['float32']), 0.25);
});
