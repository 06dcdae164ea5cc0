/** The devices of a study: how they stand, and which ones of the fleet they are. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import type { Clock } from '../../fleet/clock.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import { deviceOf } from './device-of.ts';
import { DeviceTroubleError } from './device-trouble-error.ts';
import { DeviceTroubles } from './device-troubles.ts';

export interface StudyDevicesOptions {
  /** Names of the study's devices. */
  devices: readonly string[];
  fleet: Pick<Fleet, 'devices' | 'subscribe'>;
  clock: Clock;
  /** True: all are waited for, whoever else answers. */
  waitsForAll: boolean;
  /** How a device stands by the events so far. */
  standingOf(device: string): StudyDevice;
  /** Device class of what the study has measured last on this board; null: nothing. */
  measuredClassOf(device: StudyDevice): string | null;
  onChange(device: StudyDevice): void;
}

export interface StudyDevices {
  /** How one of the study's devices stands, and which one of the fleet it is. */
  standing(device: string): StudyDevice;
  /** That one, by its name in the study; null where it is no longer in the fleet. */
  device(name: string): DeviceView | null;
  /** As `device`; where it was added again, it is that one from now on. @throws {DeviceTroubleError} where there is none */
  deviceNow(name: string): DeviceView;
  /** Names of those that no person has left out: the others decide nothing. */
  counting(): string[];
  deviceTroubles: DeviceTroubles;
}

export function studyDevices(options: StudyDevicesOptions): StudyDevices {
  const { devices, fleet, clock, waitsForAll, standingOf, measuredClassOf, onChange } = options;
  const memberOf = (name: string) => {
    const standing = standingOf(name);
    return deviceOf({ fleet, standing, measuredClass: () => measuredClassOf(standing) });
  };
  const deviceTroubles = new DeviceTroubles({
    ...{ devices, fleet, clock, waitsForAll, standingOf, onChange },
    deviceOf: memberOf,
  });
  return {
    standing: standingOf,
    device(name) {
      try {
        return memberOf(name);
      } catch (error) {
        if (!(error instanceof DeviceTroubleError)) throw error;
        return null;
      }
    },
    deviceNow: (name) => deviceTroubles.deviceNow(name),
    counting: () => devices.filter((name) => standingOf(name).standing !== 'left-out'),
    deviceTroubles,
  };
}
