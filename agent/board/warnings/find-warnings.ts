/** The sources of warnings of a board, found by probing. A new source is one more line here. */
import type { Host } from '../host.ts';
import { findCoolingDevices } from './cooling-devices.ts';
import { findJetsonOverCurrent } from './jetson-over-current.ts';
import { findPiFirmware } from './pi-firmware.ts';
import type { WarningSource } from './warning.ts';
import { findX86ThrottleCounters } from './x86-throttle-counters.ts';

/** Looks for one source of warnings on a board; null: it has none. */
export type FindWarning = (host: Host) => WarningSource | null | Promise<WarningSource | null>;

export const WARNINGS: readonly FindWarning[] = [
  findPiFirmware,
  findJetsonOverCurrent,
  findCoolingDevices,
  findX86ThrottleCounters,
];

/** @param finders what is looked for */
export async function findWarnings(host: Host, finders: readonly FindWarning[] = WARNINGS): Promise<WarningSource[]> {
  const found = await Promise.all(finders.map((find) => find(host)));
  return found.filter((source) => source !== null);
}
