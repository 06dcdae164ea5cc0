/** The device of the fleet that a study's device is now. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { idsOf } from '@edgetune/shared/domain/study-device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { DeviceTroubleError } from './device-trouble-error.ts';

/** Of a device that the fleet does not have any more. */
function removedText(name: string): string {
  return `${name} was removed from the fleet: add it again under this name, use another device in its place, or go on without it`;
}

export interface DeviceOfOptions {
  fleet: Pick<Fleet, 'devices'>;
  standing: StudyDevice;
  /** Device class of what the study has measured there; null: nothing. */
  measuredClass(): string | null;
}

/**
 * A device that was removed, and one of the same kind was added under its name since: that one.
 * @returns it by the name that the study has for it; its id may be another than before (`boundTo`)
 * @throws {DeviceTroubleError} where there is none, or one of another kind: that is for a person to decide
 */
export function deviceOf({ fleet, standing, measuredClass }: DeviceOfOptions): DeviceView {
  const { device: name, deviceId } = standing;
  const devices = fleet.devices();
  const known = devices.find(({ id }) => id === deviceId);
  if (known) return { ...known, name };
  const namesake = devices.find((device) => device.name === name && device.board !== null);
  if (!namesake) throw new DeviceTroubleError(removedText(name));
  const before = measuredClass();
  if (before !== null && kindOf(namesake.deviceClass ?? '') !== kindOf(before))
    throw new DeviceTroubleError(
      `${name} was removed from the fleet, and what is called so now is of another kind (${namesake.deviceClass}, not ${before}): use it in its place if that is meant, or go on without it`,
    );
  return { ...namesake, name };
}

/** The same board under the id that it has now. */
export function boundTo(standing: StudyDevice, { id }: Pick<DeviceView, 'id'>): StudyDevice {
  const reason = `${standing.device} was added to the fleet again`;
  return { ...standing, deviceId: id, formerIds: idsOf(standing), reason };
}

/** Model and memory, with which a device class begins: a kernel, a governor or a power mode may have changed since. */
function kindOf(deviceClass: string): string {
  const [model, , memory] = deviceClass.split(' | ');
  return [model, memory].join(' | ');
}
