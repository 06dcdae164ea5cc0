import { JobFailedError } from '../../fleet/fleet.ts';
import { DeviceTroubleError } from './device-trouble-error.ts';

/**
 * A job that a device could not do (its agent was lost, its disk is full, a download broke off) is that device's trouble.
 * @throws {DeviceTroubleError} instead of a JobFailedError; what else the work throws
 */
export async function troubleOf<T>(device: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof JobFailedError)) throw error;
    throw new DeviceTroubleError(`${device}: ${error.message}`, { cause: error });
  }
}
