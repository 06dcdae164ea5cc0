/** A measurement of which a test says only what it is about. */
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import { UNKNOWN_CONDITIONS } from './conditions.ts';

/** A good one of a real device: 2 ms a run, one sample a run. */
export function measurement(change: Partial<Measurement> = {}): Measurement {
  return {
    signature: 'signature-a',
    modelSha256: 'a'.repeat(64),
    deviceClass: 'class',
    config: {
      batchSize: 1,
      threads: 1,
      clockKHz: null,
      precision: 'float32',
      executionProvider: 'cpu',
      runner: 'onnxruntime-node',
    },
    scenario: { kind: 'single-stream' },
    outcome: 'ok',
    reason: null,
    latencyMs: summariseLatencies([2, 2, 2]),
    throughputPerS: 500,
    peakMemoryBytes: 1e7,
    energy: null,
    conditions: UNKNOWN_CONDITIONS,
    stopReason: 'min-reached',
    busyCores: 1,
    cost: { deviceSeconds: 1, deviceJoules: null },
    simulated: false,
    startedAt: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

/** What a device that takes `latencyMs` for each run of a batch reports. */
export function measurementAt(latencyMs: number, change: Partial<Measurement> = {}): Measurement {
  const batchSize = change.config?.batchSize ?? 1;
  return measurement({
    latencyMs: summariseLatencies([latencyMs, latencyMs, latencyMs]),
    throughputPerS: (1000 * batchSize) / latencyMs,
    ...change,
  });
}

/** As the store keeps it. */
export function storedMeasurement(change: Partial<StoredMeasurement> = {}): StoredMeasurement {
  return { id: 'm-1', deviceId: 'd-1', deviceName: 'kitchen-pi', studyId: null, ...measurement(change), ...change };
}
