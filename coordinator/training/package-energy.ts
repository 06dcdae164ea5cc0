/** The share of the processor packages' energy that belongs to one process. */
import { cpus } from 'node:os';
import { type RaplCounter, raplJoulesBetween, readRapl } from '@edgetune/shared/runtime/rapl.ts';

export interface PackageReading {
  packages: RaplCounter[];
  /** Seconds for which the machine's cores have been busy in all. */
  busySeconds: number;
}

/** @returns null where no package can be read */
export function readPackageEnergy(root?: string, busySeconds = machineBusySeconds()): PackageReading | null {
  const packages = readRapl(root);
  return packages && { packages, busySeconds };
}

/**
 * The part of the packages' energy between two readings that belongs to a process: its share of the busy time of all
 * cores. A counter may have started again once.
 * @param cpuSeconds of the process between the readings
 * @returns joules
 */
export function shareOfPackageEnergyJ(before: PackageReading, after: PackageReading, cpuSeconds: number): number {
  // The kernel books busy time in ticks: over a short time it may have seen less than the process itself.
  const busy = Math.max(cpuSeconds, after.busySeconds - before.busySeconds);
  return busy === 0 ? 0 : raplJoulesBetween(before.packages, after.packages) * (cpuSeconds / busy);
}

function machineBusySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}
