import type { Recommendation } from '@edgetune/shared/domain/recommendation.ts';
import { idsOf } from '@edgetune/shared/domain/study-device.ts';
import type { StudyDevice } from '@edgetune/shared/domain/study-event.ts';

/** Whether a device, as it is now, has measured a recommended model: another one may have taken its place since. */
export function hasMeasured(
  { devices }: Pick<Recommendation['models'][number], 'devices'>,
  standing: Pick<StudyDevice, 'device' | 'deviceId' | 'formerIds'>,
): boolean {
  const ids = idsOf(standing);
  return devices.some(({ device, measurement }) => device === standing.device && ids.includes(measurement.deviceId));
}

/** Names of the devices that are not left out and have not measured all models that are recommended. */
export function unmeasured({ models }: Recommendation, devices: readonly StudyDevice[]): string[] {
  return devices
    .filter((device) => device.standing !== 'left-out' && models.some((model) => !hasMeasured(model, device)))
    .map(({ device }) => device);
}
