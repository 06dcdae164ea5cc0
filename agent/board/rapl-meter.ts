/** The processor's own energy counters on x86 as a meter. */
import { raplJoulesBetween, readRapl } from '@edgetune/shared/runtime/rapl.ts';

export interface EnergyMeter {
  /** As it is shown beside each figure. */
  name: string;
  /** Joules since the meter was found. Must be read more often than the counter wraps (minutes). */
  readJ(): number;
}

/** @param root folder of the powercap class @returns null where no package counter can be read */
export function findRaplMeter(root?: string): EnergyMeter | null {
  const found = readRapl(root);
  if (!found) return null;
  let last = found;
  let totalJ = 0;
  return {
    name: 'RAPL',
    readJ() {
      const now = readRapl(root) ?? last;
      totalJ += raplJoulesBetween(last, now);
      last = now;
      return totalJ;
    },
  };
}
