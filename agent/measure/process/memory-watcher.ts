/** Where no control group can be had: the resident memory of a process and its children is looked at often. */
import type { ChildProcess } from 'node:child_process';
import { type Host, readText } from '../../board/host.ts';
import { outOfMemoryKills } from './board-memory.ts';
import type { MemoryGuard } from './memory-guard.ts';

/** While a model is loaded its memory grows by megabytes in a millisecond: what is over the limit is found soon after. */
const LOOK_EVERY_MS = 20;
/** Where only the board's own memory is at stake the looking must not disturb the window. */
const GUARD_BOARD_EVERY_MS = 500;

export class MemoryWatcher implements MemoryGuard {
  readonly launcher = [];
  readonly #host: Host;
  readonly #boardLimit: number | null;
  readonly #boardKills: () => number;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | undefined;
  #shortage: { bytes: number } | null = null;

  constructor(host: Host, boardLimit: number | null) {
    this.#host = host;
    this.#boardLimit = boardLimit;
    this.#boardKills = outOfMemoryKills(host);
  }

  watch(child: ChildProcess): void {
    this.#child = child;
    this.allow(null);
  }

  allow(bytes: number | null): void {
    clearInterval(this.#timer);
    const before = this.#residentBytes();
    // The board may have less to spare than the job allows.
    if (bytes !== null && before + bytes < (this.#boardLimit ?? Number.POSITIVE_INFINITY))
      this.#lookFor(bytes, before, LOOK_EVERY_MS);
    else if (this.#boardLimit !== null)
      this.#lookFor(this.#boardLimit, 0, bytes === null ? GUARD_BOARD_EVERY_MS : LOOK_EVERY_MS);
  }

  shortage(): { bytes: number | null } | null {
    return this.#shortage ?? (this.#boardKills() > 0 ? { bytes: null } : null);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#killAll();
  }

  #lookFor(bytes: number, above: number, everyMs: number): void {
    this.#timer = setInterval(() => {
      if (this.#residentBytes() - above <= bytes) return;
      this.#shortage = { bytes };
      clearInterval(this.#timer);
      this.#killAll();
    }, everyMs).unref();
  }

  #residentBytes(): number {
    const kB = (pid: number) =>
      Number(/^VmRSS:\s+(\d+) kB/m.exec(readText(this.#host, `/proc/${pid}/status`) ?? '')?.[1] ?? 0);
    return this.#family().reduce((sum, pid) => sum + kB(pid) * 1024, 0);
  }

  /** The process and what it started (proc(5): children of a thread). */
  #family(): number[] {
    const found: number[] = [];
    const child = this.#child;
    // The id of a process that has ended may be another's by now.
    const runs = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
    const queue = runs ? [child.pid as number] : [];
    for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
      found.push(pid);
      const children = readText(this.#host, `/proc/${pid}/task/${pid}/children`) ?? '';
      queue.push(...children.split(' ').filter(Boolean).map(Number));
    }
    return found;
  }

  #killAll(): void {
    for (const pid of this.#family()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}
