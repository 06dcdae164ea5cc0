/** A board whose latency a test makes up, and a history in memory. */

import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { Measurement, StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { summariseLatencies } from '@edgetune/shared/domain/statistics.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { Fleet } from '../../../../coordinator/fleet/fleet.ts';
import type { MeasurementHistory } from '../../../../coordinator/inference/inference-server.ts';
import { UNKNOWN_CONDITIONS } from '../../../support/conditions.ts';

const RUNTIME = {
  runner: 'onnxruntime-node',
  version: '1',
  executionProviders: ['cpu'],
  precisions: ['float32'],
};

export const device = (id = 'd-000000000001', deviceClass = 'pi') =>
  ({
    id,
    name: `device-${id.at(-1)}`,
    deviceClass,
    board: { logicalCores: 4, settableClocksKHz: [], runtimes: [RUNTIME] },
  }) as unknown as DeviceView;

export function memoryHistory(): MeasurementHistory & { saved: StoredMeasurement[] } {
  const saved: StoredMeasurement[] = [];
  return {
    saved,
    save: (measurement) => void saved.push(measurement),
    find: (query) =>
      saved.filter(
        (m) =>
          m.signature === query.signature &&
          m.deviceClass === query.deviceClass &&
          scenarioKey(m.scenario) === query.scenarioKey,
      ),
    recent: (query) =>
      saved
        .filter((m) => m.deviceClass === query.deviceClass && scenarioKey(m.scenario) === query.scenarioKey)
        .reverse()
        .slice(0, query.limit),
    get: (id) => saved.find((m) => m.id === id) ?? null,
  };
}

/** A board on which threads help up to three, and batches cost latency and bring throughput. */
export function board(latencyMsOf: (request: MeasureRequest) => number | Error) {
  const jobs: MeasureRequest[] = [];
  const measure: Fleet['measure'] = async (_deviceId, request, { signal }) => {
    signal.throwIfAborted();
    jobs.push(request);
    await new Promise(setImmediate);
    const latency = latencyMsOf(request);
    if (latency instanceof Error) throw latency;
    return {
      signature: request.signature,
      modelSha256: request.modelSha256,
      deviceClass: 'pi',
      config: request.config,
      scenario: request.scenario,
      outcome: 'ok',
      reason: null,
      latencyMs: summariseLatencies([latency, latency, latency]),
      throughputPerS: (1000 * request.config.batchSize) / latency,
      peakMemoryBytes: 1e6 * request.config.batchSize,
      energy: null,
      conditions: UNKNOWN_CONDITIONS,
      stopReason: 'min-reached',
      busyCores: 1,
      cost: { deviceSeconds: 1, deviceJoules: null },
      simulated: true,
      startedAt: '2026-01-01T00:00:00Z',
    } satisfies Measurement;
  };
  return { measure, jobs };
}
