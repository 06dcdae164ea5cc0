/** The fleet: devices by name, their presence, and jobs sent to them. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { StrangerView } from '@edgetune/shared/protocol/http.ts';
import type { JobState, MeasureRequest } from '@edgetune/shared/protocol/job.ts';

export interface MeasureOptions {
  /** Who asks: devices are shared fairly between studies. */
  studyId: string | null;
  signal: AbortSignal;
  onStateChange?: (state: JobState) => void;
}

/** A job that ended without a measurement. */
export class JobFailedError extends Error {
  override name = 'JobFailedError';
  readonly state: Extract<JobState, 'failed' | 'timed-out' | 'rejected' | 'cancelled'>;
  constructor(state: JobFailedError['state'], message: string) {
    super(message);
    this.state = state;
  }
}

export interface Fleet {
  devices(): DeviceView[];
  /** By name; null where there is none. */
  device(name: string): DeviceView | null;
  /**
   * The device as its board describes itself now: it is asked, unless it is away, simulated, or measures at this moment, for
   * which it has described itself. One that is there and does not answer has no device class: nothing is reused for it.
   * @returns null where there is no such device
   */
  described(deviceId: string): Promise<DeviceView | null>;
  /**
   * Queues a measurement on a device and waits for its result, for as long as it takes: a device that is offline gets
   * the job when it is back; a job that is lost with its agent is tried again (a bounded number of times).
   * For a device on the coordinator's own machine the host lease is held while the job runs.
   * @returns the measurement as the history is to have it: however often it is delivered, its id is the same
   * @throws {JobFailedError} where the job ended without a measurement.
   */
  measure(deviceId: string, request: MeasureRequest, options: MeasureOptions): Promise<StoredMeasurement>;
  /** Calls back on every change of a device (presence, name, jobs); returns the function that ends it. */
  subscribe(
    listener: (
      change:
        | { type: 'device'; device: DeviceView }
        | { type: 'device-removed'; id: string }
        | { type: 'strangers'; strangers: StrangerView[] },
    ) => void,
  ): () => void;
  /** Boards that say hello and are no devices of this fleet. */
  strangers(): StrangerView[];
}

/** Exclusive use of the coordinator's own machine for a measured window: training stands still meanwhile. */
export interface HostLease {
  /** Waits for other holders, pauses training, and returns the function that gives it back. */
  acquire(signal: AbortSignal): Promise<() => void>;
}
