/** A control group around one measuring process and all that it starts: memory limit, account, and a clean end. */
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Host, HostError, readNumber, readText } from '../../board/host.ts';
import { type CgroupHierarchy, groupsIn } from './cgroup-hierarchy.ts';

/** Names of the same things in both versions of the kernel's interface. */
const FILES = {
  1: {
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    pageCache: 'cache',
    events: 'memory.oom_control',
    noLimit: '-1',
    noSwap: ['memory.swappiness', '0'],
  },
  2: {
    limit: 'memory.max',
    used: 'memory.current',
    pageCache: 'file',
    events: 'memory.events',
    noLimit: 'max',
    noSwap: ['memory.swap.max', '0'],
  },
} as const;

const PREFIX = 'edgetune-measure-';
let count = 0;

export class Cgroup {
  readonly folder: string;
  readonly #host: Host;
  readonly #files: (typeof FILES)[1 | 2];

  /** @throws where this process may not make groups there */
  constructor(host: Host, { version, parent }: CgroupHierarchy) {
    this.#host = host;
    this.#files = FILES[version];
    this.folder = join(parent, `${PREFIX}${process.pid}-${count++}`);
    mkdirSync(this.folder, { recursive: true });
    // What is limited is memory: a model that is swapped out would be slow instead. Kernels without swap have no such file.
    const [file, value] = this.#files.noSwap;
    this.#tryWrite(file, value);
  }

  /** File into which a process writes its id to be in the group. */
  get procsFile(): string {
    return join(this.folder, 'cgroup.procs');
  }

  /** Keeps its processes on these cores, also where they set their own affinity; where the kernel offers it here. */
  keepOn(cpus: readonly number[]): void {
    this.#tryWrite('cpuset.cpus', cpus.join(','));
  }

  /** Bytes that could not be had back: without the page cache of files that were read. */
  usedBytes(): number {
    const used = readNumber(this.#host, join(this.folder, this.#files.used)) ?? 0;
    return Math.max(0, used - this.#field('memory.stat', this.#files.pageCache));
  }

  /** @param bytes null: no limit */
  limit(bytes: number | null): void {
    this.#host.write(
      join(this.folder, this.#files.limit),
      bytes === null ? this.#files.noLimit : String(Math.ceil(bytes)),
    );
  }

  /** Processes of the group that the kernel killed for want of memory. */
  outOfMemoryKills(): number {
    return this.#field(this.#files.events, 'oom_kill');
  }

  /** Ends what still runs in the group and removes it. */
  async remove(): Promise<void> {
    await removeGroup(this.#host, this.folder);
  }

  #field(file: string, name: string): number {
    const text = readText(this.#host, join(this.folder, file)) ?? '';
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  }

  #tryWrite(file: string, value: string): void {
    try {
      this.#host.write(join(this.folder, file), value);
    } catch (error) {
      // Not offered here.
      if (!(error instanceof HostError)) throw error;
    }
  }
}

/** Removes what agents that were killed have left behind, with the processes in it. */
export async function removeLeftovers(host: Host, hierarchy: CgroupHierarchy): Promise<void> {
  for (const folder of groupsIn(host, hierarchy, PREFIX)) {
    const owner = Number(/(\d+)-\d+$/.exec(folder)?.[1]);
    if (owner !== process.pid && !isAgentAlive(owner)) await removeGroup(host, folder);
  }
}

function isAgentAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const REMOVE_TRIES = 200;
const REMOVE_WAIT_MS = 10;

async function removeGroup(host: Host, folder: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVE_TRIES; attempt++) {
    for (const pid of pidsIn(host, folder)) killIfThere(pid);
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      // A process that was killed is in its group until its parent has taken note of it.
      await host.sleep(REMOVE_WAIT_MS);
    }
  }
}

/** Processes of another container are listed as 0, by which kill(2) would mean this process and its group. */
function pidsIn(host: Host, folder: string): number[] {
  return (readText(host, join(folder, 'cgroup.procs')) ?? '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
