/**
 * Energy of the processor packages as the kernel counts it: RAPL through powercap
 * (https://www.kernel.org/doc/html/latest/power/powercap/powercap.html). Since Linux 5.10 only root may read it
 * (CVE-2020-8694); virtual machines have none.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Counter of a package, and where it starts again from 0, in microjoules. */
export interface RaplCounter {
  energyUj: number;
  rangeUj: number;
}

/** How the files are reached. */
export interface RaplFiles {
  /** @throws where it cannot be read */
  read(path: string): string;
  /** Names in a folder. @throws where it cannot be listed, or gives none */
  list(folder: string): string[];
}

const POWERCAP = '/sys/class/powercap';
const OWN_FILES: RaplFiles = { read: (path) => readFileSync(path, 'utf8'), list: (folder) => readdirSync(folder) };

/** The counters of this machine. @returns null where no package can be read */
export function readRapl(root = POWERCAP): RaplCounter[] | null {
  return readRaplFrom(OWN_FILES, root);
}

/**
 * One counter a processor package (`intel-rapl:0`, `intel-rapl:1`); `intel-rapl:0:0` and the like are parts of it, and a
 * zone named `psys` is the platform around them, which would count them twice.
 * @returns null where no package can be read
 */
export function readRaplFrom(files: RaplFiles, root = POWERCAP): RaplCounter[] | null {
  try {
    const packages = files
      .list(root)
      .filter((zone) => /^intel-rapl:\d+$/.test(zone) && !isPlatform(files, `${root}/${zone}/name`))
      .sort()
      .map((zone) => ({
        energyUj: readCounter(files, `${root}/${zone}/energy_uj`),
        rangeUj: readCounter(files, `${root}/${zone}/max_energy_range_uj`),
      }));
    return packages.length === 0 ? null : packages;
  } catch {
    return null;
  }
}

/** Joules of all packages between two readings; a counter may have started again once. */
export function raplJoulesBetween(before: readonly RaplCounter[], after: readonly RaplCounter[]): number {
  const usedUj = after.reduce((sum, { energyUj, rangeUj }, i) => {
    const used = energyUj - (before[i]?.energyUj ?? energyUj);
    return sum + (used < 0 ? used + rangeUj : used);
  }, 0);
  return usedUj / 1e6;
}

function isPlatform(files: RaplFiles, path: string): boolean {
  try {
    return files.read(path).trim() === 'psys';
  } catch {
    return false;
  }
}

function readCounter(files: RaplFiles, path: string): number {
  const text = files.read(path).trim();
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw new Error(`${path} holds no number`);
  return value;
}
