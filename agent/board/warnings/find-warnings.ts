/** The sources of warnings of a board, found by probing. A new source is one more line here. */
import type { Host } from '../host.ts';
import { findCoolingDevices } from './cooling-devices.ts';
import { findJetsonOverCurrent } from './jetson-over-current.ts';
import { findPiFirmware } from './pi-firmware.ts';
import type { WarningSource } from './warning.ts';
import { findX86ThrottleCounters } from './x86-throttle-counters.ts';

const PROBES = [findPiFirmware, findJetsonOverCurrent, findCoolingDevices, findX86ThrottleCounters];

export async function findWarnings(host: Host): Promise<WarningSource[]> {
  const found = await Promise.all(PROBES.map((probe) => probe(host)));
  return found.filter((source) => source !== null);
}
