/** What a bench or a calibration is asked for. */
import type { BoardDescription, DeviceView } from '@edgetune/shared/domain/device.ts';

/** A bench or a calibration cannot start: which input, and what to do. */
export class InferenceInputError extends Error {
  override name = 'InferenceInputError';
}

export type JoinedDevice = DeviceView & { board: BoardDescription };

/** A device whose board is known. @throws {InferenceInputError} where there is none of that name, or it has not joined */
export function joined(name: string, device: DeviceView | null): JoinedDevice {
  if (!device) throw new InferenceInputError(`there is no device "${name}": "edgetune device list" shows the fleet`);
  if (!device.board)
    throw new InferenceInputError(`${name} has not joined yet: run the command of "edgetune device add" on it`);
  return device as JoinedDevice;
}
