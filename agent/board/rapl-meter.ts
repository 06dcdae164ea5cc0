/**
 * The processor's own energy counters on x86 (RAPL) through Linux' powercap
 * (https://docs.kernel.org/power/powercap/powercap.html). Readable by root only since Linux 5.10 (CVE-2020-8694).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readNumber } from './read-text.ts';

export interface EnergyMeter {
  /** As it is shown beside each figure. */
  name: string;
  /** Joules since the meter was found. Must be read more often than the counter wraps (minutes). */
  readJ(): number;
}

/** @param root folder of the powercap class @returns null where no package counter can be read */
export function findRaplMeter(root = '/sys/class/powercap'): EnergyMeter | null {
  const packages = packageFolders(root).flatMap((folder) => {
    const [energyUj, rangeUj] = [
      readNumber(join(folder, 'energy_uj')),
      readNumber(join(folder, 'max_energy_range_uj')),
    ];
    return energyUj === null || rangeUj === null ? [] : [{ folder, rangeUj, lastUj: energyUj }];
  });
  if (packages.length === 0) return null;
  let totalUj = 0;
  return {
    name: 'RAPL',
    readJ() {
      for (const counter of packages) {
        const nowUj = readNumber(join(counter.folder, 'energy_uj')) ?? counter.lastUj;
        totalUj += nowUj - counter.lastUj + (nowUj < counter.lastUj ? counter.rangeUj : 0);
        counter.lastUj = nowUj;
      }
      return totalUj / 1e6;
    },
  };
}

/** `intel-rapl:0`, `intel-rapl:1`: one a processor package; `intel-rapl:0:0` and the like are parts of it. */
function packageFolders(root: string): string[] {
  try {
    return readdirSync(root)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => join(root, name));
  } catch {
    return [];
  }
}
