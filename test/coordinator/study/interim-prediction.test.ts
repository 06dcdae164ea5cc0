import assert from 'node:assert/strict';
import { it } from 'node:test';
import { predictDeviceMetrics } from '../../../coordinator/study/interim-prediction.ts';

const known = [
  { macs: 3e6, metrics: { 'latency.p50': 30, memory: 5 } },
  { macs: 1e6, metrics: { 'latency.p50': 10, memory: 5 } },
];

it('interpolates over MACs, keeps to the nearest beyond, and knows nothing from nothing', () => {
  assert.deepEqual(predictDeviceMetrics(known, 2e6), { 'latency.p50': 20, memory: 5 });
  assert.deepEqual(predictDeviceMetrics(known, 1e9), { 'latency.p50': 30, memory: 5 });
  assert.deepEqual(predictDeviceMetrics(known, 1), { 'latency.p50': 10, memory: 5 });
  assert.equal(predictDeviceMetrics([], 1e6), null);
});

it('leaves out what was not measured on both sides', () => {
  const uneven = [...known, { macs: 2e6, metrics: { 'latency.p50': 15 } }];
  assert.deepEqual(predictDeviceMetrics(uneven, 2.5e6), { 'latency.p50': 22.5 });
});
