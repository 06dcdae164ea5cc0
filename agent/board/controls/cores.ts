/** Which cores a measured process runs on. Its affinity ends with it: there is nothing to set back. */
import { type Host, readNumber, readText } from '../host.ts';

/**
 * So many of the cores that this process may use, fastest first: by the kernel's `cpu_capacity` (ARM big.LITTLE) or the
 * highest clock; second threads of a core last.
 * @returns null where the board does not tell
 */
export function chooseCores(host: Host, count: number): number[] | null {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText(host, '/proc/self/status') ?? '')?.[1];
  if (!allowed) return null;
  const online = readText(host, '/sys/devices/system/cpu/online');
  // Cores that a power mode switched off stay in the list of those allowed.
  const usable = cpuList(allowed).filter((cpu) => !online || cpuList(online).includes(cpu));
  const ranked = usable.map((cpu) => ({ cpu, speed: speedOf(host, cpu), isSecond: isSecondThread(host, cpu) }));
  ranked.sort((a, b) => Number(a.isSecond) - Number(b.isSecond) || b.speed - a.speed || a.cpu - b.cpu);
  return ranked.slice(0, count).map(({ cpu }) => cpu);
}

function speedOf(host: Host, cpu: number): number {
  const folder = `/sys/devices/system/cpu/cpu${cpu}`;
  return readNumber(host, `${folder}/cpu_capacity`) ?? readNumber(host, `${folder}/cpufreq/cpuinfo_max_freq`) ?? 0;
}

function isSecondThread(host: Host, cpu: number): boolean {
  const siblings = readText(host, `/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`);
  return siblings ? cpuList(siblings)[0] !== cpu : false;
}

/** The kernel's list format (cpuset(7)): `0-3,8`. */
export function cpuList(text: string): number[] {
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
