/** A board whose latency a test makes up, and a history in memory. */

import { randomUUID } from 'node:crypto';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { Fleet } from '../../../../coordinator/fleet/fleet.ts';
import type { MeasurementHistory } from '../../../../coordinator/inference/inference-server.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { turn } from '../../../support/waiting.ts';

const RUNTIME = {
  runner: 'onnxruntime-node',
  version: '1',
  executionProviders: ['cpu'],
  precisions: ['float32', 'int8'],
};

export const device = (id = 'd-000000000001', deviceClass = 'pi') =>
  ({
    id,
    name: `device-${id.at(-1)}`,
    deviceClass,
    board: { logicalCores: 4, settableClocksKHz: [], simulated: null, runtimes: [RUNTIME] },
  }) as unknown as DeviceView;

export function memoryHistory(): MeasurementHistory & { saved: StoredMeasurement[] } {
  const saved: StoredMeasurement[] = [];
  return {
    saved,
    save: async (measurement) => void saved.push(measurement),
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
    classes: (beginning) =>
      [...new Set(saved.map((m) => m.deviceClass))].filter((name) => name.startsWith(beginning)).sort(),
    get: (id) => saved.find((m) => m.id === id) ?? null,
  };
}

/** A board on which threads help up to three, and batches cost latency and bring throughput. */
export function board(latencyMsOf: (request: MeasureRequest) => number | Error) {
  const jobs: MeasureRequest[] = [];
  const measure: Fleet['measure'] = async (deviceId, request, { signal, studyId }) => {
    signal.throwIfAborted();
    jobs.push(request);
    await turn();
    const latency = latencyMsOf(request);
    if (latency instanceof Error) throw latency;
    const { signature, modelSha256, config, scenario } = request;
    return storedMeasurement({
      ...measurementAt(latency, { config }),
      ...{ id: `m-${randomUUID()}`, deviceId, deviceName: device(deviceId).name, studyId },
      signature,
      modelSha256,
      config,
      scenario,
      deviceClass: 'pi',
      peakMemoryBytes: 1e6 * config.batchSize,
      simulated: true,
    });
  };
  return { measure, jobs };
}
