/** What is to be known of how a device stands in a study, beyond its record. */
import type { StudyDevice } from './study-event.ts';

/** Ids that the board has, and had, in the fleet: under each of them it may have measured something for the study. */
export function idsOf({ deviceId, formerIds = [] }: Pick<StudyDevice, 'deviceId' | 'formerIds'>): string[] {
  return [deviceId, ...formerIds];
}

/** Whether a device is the board that it was, which may have been removed and added again meanwhile. */
export function isSameBoard(
  now: Pick<StudyDevice, 'deviceId' | 'formerIds'>,
  before: Pick<StudyDevice, 'deviceId'>,
): boolean {
  return idsOf(now).includes(before.deviceId);
}

/** Whether a study goes on without the device's answers, where others answer. */
export function isGivenUp({ standing }: Pick<StudyDevice, 'standing'>): boolean {
  return standing === 'marked' || standing === 'left-out';
}
