/** Which cores a measuring process is kept on, and how. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readText } from '../board/read-text.ts';

/** The command that keeps a process on so many of the cores that this one may use (util-linux' taskset), where there is one. */
export function pinTo(threads: number): { command: string; flags: string[] } | null {
  const taskset = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'taskset'))
    .find(existsSync);
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readText('/proc/self/status') ?? '')?.[1];
  if (!taskset || !allowed) return null;
  const cpus = allowed.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last as number) - first + 1 }, (_, i) => first + i);
  });
  return { command: taskset, flags: ['-c', cpus.slice(0, threads).join(',')] };
}
