/** An inference server whose searches end when the test says so. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type {
  InferenceRequest,
  InferenceResult,
  InferenceServer,
} from '../../../../coordinator/inference/inference-server.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { turn, workUnderway } from '../../../support/waiting.ts';
import { CONFIG } from './events.ts';

export interface Search {
  request: InferenceRequest;
  onMeasured: Parameters<InferenceServer['tune']>[1];
  signal: AbortSignal;
  /** Ends it; all that follows at once has happened when this resolves. */
  answer(result: InferenceResult): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** What a device says of an architecture that it runs in so many milliseconds. */
export function result(latencyMs: number, change: Partial<InferenceResult> = {}): InferenceResult {
  const best: StoredMeasurement = storedMeasurement(
    measurementAt(latencyMs, { config: CONFIG, peakMemoryBytes: null }),
  );
  return { best, feasible: true, violation: 0, all: [], front: [best], reason: null, ...change };
}

/** Of a device that gave no valid measurement. */
export const unfit = (reason: string): InferenceResult =>
  result(1, { best: null, feasible: false, violation: Infinity, reason, unfit: reason });

export function askedDevices() {
  const searches: Search[] = [];
  const inference: InferenceServer = {
    tune: (request, onMeasured, signal) => {
      const { done, resolve, reject } = workUnderway<InferenceResult>();
      searches.push({
        ...{ request, onMeasured, signal },
        answer: (answer) => {
          resolve(answer);
          return turn();
        },
        fail: (error) => {
          reject(error);
          return turn();
        },
      });
      return done;
    },
  };
  /** The search that was begun last on this device. */
  const on = (device: string): Search => {
    const found = searches.findLast(({ request }) => request.device.name === device);
    if (!found) throw new Error(`nothing was asked of ${device}`);
    return found;
  };
  return { inference, searches, on, devices: () => searches.map(({ request }) => request.device.name) };
}
