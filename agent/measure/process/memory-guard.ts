/** Keeps a measuring process within its memory, and tells a process that ended for want of memory from one that crashed. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { type Host, HostError } from '../../board/host.ts';
import { outOfMemoryKills, spareBytes } from './board-memory.ts';
import { Cgroup, removeLeftovers } from './cgroup.ts';
import { type CgroupHierarchy, findHierarchy } from './cgroup-hierarchy.ts';
import { MemoryWatcher } from './memory-watcher.ts';

export interface MemoryGuard {
  /** Words before the command of the process that is to be guarded. */
  readonly launcher: readonly string[];
  /** The process has been started. */
  watch(child: ChildProcess): void;
  /** The process may take so many bytes more than it has now; null: as much as the board can spare. */
  allow(bytes: number | null): void;
  /** At how many bytes it was killed for want of memory; null: it was not. `bytes` is null where the whole board ran out. */
  shortage(): { bytes: number | null } | null;
  /** Ends what is left of the process and what it started. */
  close(): Promise<void>;
}

export async function createMemoryGuard(host: Host, cpus: readonly number[] | null): Promise<MemoryGuard> {
  const boardLimit = spareBytes(host);
  const hierarchy = await usableHierarchy(host);
  return hierarchy
    ? new CgroupGuard(host, new Cgroup(host, hierarchy), cpus, boardLimit)
    : new MemoryWatcher(host, boardLimit);
}

/** A shell that enters the group and then becomes the command: nothing of it is charged elsewhere. */
function entering(group: Cgroup): string[] {
  return ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', group.procsFile];
}

class CgroupGuard implements MemoryGuard {
  readonly launcher: readonly string[];
  readonly #group: Cgroup;
  readonly #boardLimit: number | null;
  readonly #boardKills: () => number;
  #allowed: number | null = null;

  constructor(host: Host, group: Cgroup, cpus: readonly number[] | null, boardLimit: number | null) {
    this.#group = group;
    this.#boardLimit = boardLimit;
    this.#boardKills = outOfMemoryKills(host);
    this.launcher = entering(group);
    if (cpus) group.keepOn(cpus);
    group.limit(boardLimit);
  }

  watch(): void {}

  allow(bytes: number | null): void {
    const limit = bytes === null ? Number.POSITIVE_INFINITY : this.#group.usedBytes() + bytes;
    // The board may have less to spare than the job allows.
    const isOwn = limit < (this.#boardLimit ?? Number.POSITIVE_INFINITY);
    this.#allowed = isOwn ? bytes : null;
    this.#group.limit(isOwn ? limit : this.#boardLimit);
  }

  shortage(): { bytes: number | null } | null {
    if (this.#group.outOfMemoryKills() > 0) return { bytes: this.#allowed ?? this.#boardLimit };
    return this.#boardKills() > 0 ? { bytes: null } : null;
  }

  async close(): Promise<void> {
    await this.#group.remove();
  }
}

/** Removes the control groups of an agent that was killed, and ends what still runs in them. */
export async function removeStaleGroups(host: Host): Promise<void> {
  await usableHierarchy(host);
}

const usable = new WeakMap<Host, Promise<CgroupHierarchy | null>>();

/** The hierarchy in which groups can really be made and entered; it is tried, and tidied up, once. */
function usableHierarchy(host: Host): Promise<CgroupHierarchy | null> {
  const known = usable.get(host) ?? tryHierarchy(host);
  usable.set(host, known);
  return known;
}

async function tryHierarchy(host: Host): Promise<CgroupHierarchy | null> {
  const hierarchy = findHierarchy(host);
  if (!hierarchy) return null;
  let group: Cgroup;
  try {
    group = new Cgroup(host, hierarchy);
  } catch {
    return null;
  }
  try {
    await removeLeftovers(host, hierarchy);
    group.limit(null);
    const [shell, ...words] = entering(group) as [string, ...string[]];
    return spawnSync(shell, [...words, 'true']).status === 0 ? hierarchy : null;
  } catch (error) {
    if (error instanceof HostError) return null;
    throw error;
  } finally {
    await group.remove();
  }
}
