/** What another process has used, as long as it lives. */
import { readFileSync } from 'node:fs';
import { TICKS_PER_S } from '../../board/kernel-time.ts';

export interface ProcessUsage {
  cpuSeconds: number;
  peakMemoryBytes: number;
}

/** @returns null where there is no such process (any more) */
export function processUsage(pid: number): ProcessUsage | null {
  try {
    // Fields follow the name, which is in parentheses and may contain anything: user and system time are numbers 14 and 15.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const kB = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (kB === undefined) return null;
    return {
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
      peakMemoryBytes: Number(kB) * 1024,
    };
  } catch {
    return null;
  }
}
