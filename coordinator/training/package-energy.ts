/**
 * Energy of the processor packages as the kernel counts it: RAPL through powercap
 * (https://www.kernel.org/doc/html/latest/power/powercap/powercap.html). Many machines let only root read it; virtual
 * machines have none.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export interface PackageReading {
  /** Counters of the packages, and where each starts again from 0, in microjoules. */
  packages: { energyUj: number; rangeUj: number }[];
  /** Seconds for which the machine's cores have been busy in all. */
  busySeconds: number;
}

/** @returns null where no package can be read */
export function readPackageEnergy(
  root = '/sys/class/powercap',
  busySeconds = machineBusySeconds(),
): PackageReading | null {
  try {
    const packages = readdirSync(root)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .sort()
      .map((name) => ({
        energyUj: readCounter(join(root, name, 'energy_uj')),
        rangeUj: readCounter(join(root, name, 'max_energy_range_uj')),
      }));
    return packages.length === 0 ? null : { packages, busySeconds };
  } catch {
    return null;
  }
}

/**
 * The part of the packages' energy between two readings that belongs to a process: its share of the busy time of all
 * cores. A counter may have started again once.
 * @param cpuSeconds of the process between the readings
 * @returns joules
 */
export function shareOfPackageEnergyJ(before: PackageReading, after: PackageReading, cpuSeconds: number): number {
  const usedUj = after.packages.reduce((sum, { energyUj, rangeUj }, i) => {
    const used = energyUj - (before.packages[i]?.energyUj ?? energyUj);
    return sum + (used < 0 ? used + rangeUj : used);
  }, 0);
  // The kernel books busy time in ticks: over a short time it may have seen less than the process itself.
  const busy = Math.max(cpuSeconds, after.busySeconds - before.busySeconds);
  return busy === 0 ? 0 : (usedUj / 1e6) * (cpuSeconds / busy);
}

function readCounter(path: string): number {
  const value = Number(readFileSync(path, 'utf8'));
  if (!Number.isFinite(value)) throw new Error(`${path} holds no number`);
  return value;
}

function machineBusySeconds(): number {
  return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0);
}
