/** A small file system in memory, which can be filled to the last page. Mounting it takes root. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PAGE_BYTES = 4096;

export interface SmallDisk {
  path: string;
  /** Takes all space but so many bytes, which are rounded down to pages. */
  fill(leftBytes: number): void;
  /** Gives back what `fill` took. */
  free(): void;
  unmount(): void;
}

/** Why none can be mounted here; null: one can. */
export function whyNoSmallDisk(): string | null {
  const path = mkdtempSync(join(tmpdir(), 'edgetune-disk-'));
  try {
    const problem = mount(path, 1);
    if (problem === null) spawnSync('umount', [path]);
    return problem;
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

export function mountSmallDisk(path: string, megabytes: number): SmallDisk {
  mkdirSync(path, { recursive: true });
  const problem = mount(path, megabytes);
  if (problem !== null) throw new Error(problem);
  const ballast = join(path, 'ballast');
  return {
    path,
    fill(leftBytes) {
      const file = openSync(ballast, 'a');
      let bytes = 0;
      try {
        for (;;) bytes += writeSync(file, Buffer.alloc(PAGE_BYTES, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        ftruncateSync(file, Math.max(0, bytes - Math.floor(leftBytes / PAGE_BYTES) * PAGE_BYTES));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => void spawnSync('umount', ['-l', path]),
  };
}

function mount(path: string, megabytes: number): string | null {
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  if (status === 0) return null;
  const why = error?.message ?? String(stderr).trim();
  return `a small file system in memory (tmpfs) cannot be mounted here (${why}): run it as root, where mounting is permitted`;
}
