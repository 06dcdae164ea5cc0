/** The state of the board around a measured window: clock, temperature, load by others. */
import { readdirSync } from 'node:fs';
import { readNumber, readText } from './read-text.ts';

const CPUFREQ = '/sys/devices/system/cpu/cpufreq';
const THERMAL = '/sys/class/thermal';
/** Scheduler ticks a second in /proc/stat: fixed by the kernel's user interface (proc(5), sysconf(_SC_CLK_TCK)). */
const TICKS_PER_S = 100;

/** The highest clock of any core now, in kHz; null where the board does not tell. */
export function currentClockKHz(): number | null {
  const clocks = policies().flatMap((policy) => readNumber(`${policy}/scaling_cur_freq`) ?? []);
  return clocks.length > 0 ? Math.max(...clocks) : null;
}

export function clockRangeKHz(): { min: number | null; max: number | null } {
  const of = (name: string) => policies().flatMap((policy) => readNumber(`${policy}/${name}`) ?? []);
  const [lowest, highest] = [of('cpuinfo_min_freq'), of('cpuinfo_max_freq')];
  return { min: lowest.length > 0 ? Math.min(...lowest) : null, max: highest.length > 0 ? Math.max(...highest) : null };
}

export function governor(): string | null {
  return policies().flatMap((policy) => readText(`${policy}/scaling_governor`) ?? [])[0] ?? null;
}

/** The hottest thermal zone in °C; null where there is none. */
export function temperatureC(): number | null {
  const zones = list(THERMAL).filter((name) => name.startsWith('thermal_zone'));
  const temperatures = zones
    .flatMap((zone) => readNumber(`${THERMAL}/${zone}/temp`) ?? [])
    .map((milli) => milli / 1000);
  return temperatures.length > 0 ? Math.max(...temperatures) : null;
}

/** Seconds for which all cores together were busy since the machine started (proc(5), /proc/stat, without idle and iowait). */
export function busyCpuSeconds(): number | null {
  const fields = readText('/proc/stat')?.split('\n')[0]?.trim().split(/\s+/).slice(1).map(Number);
  if (!fields || fields.length < 8) return null;
  const [user, nice, system, , , irq, softirq, steal] = fields as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_S;
}

function policies(): string[] {
  return list(CPUFREQ)
    .filter((name) => name.startsWith('policy'))
    .map((name) => `${CPUFREQ}/${name}`);
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
