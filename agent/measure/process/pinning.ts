/** How a measuring process is kept on its cores. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chooseCores } from '../../board/controls/cores.ts';
import type { Host } from '../../board/host.ts';

export interface Pinning {
  cores: readonly number[];
  /** Words before the command that is to stay on these cores (util-linux' taskset). */
  launcher: readonly string[];
}

/** Keeps a process on so many of the cores that this one may use; null where the board has not what it takes. */
export function pinTo(host: Host, threads: number): Pinning | null {
  const taskset = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'taskset'))
    .find(existsSync);
  const cores = chooseCores(host, threads);
  return taskset && cores && cores.length > 0 ? { cores, launcher: [taskset, '-c', cores.join(',')] } : null;
}
