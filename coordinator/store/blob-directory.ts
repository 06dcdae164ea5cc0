/**
 * Content-addressed files: `ab/abcdef…` under the directory, named by their SHA-256. A file is written beside its place,
 * synced, and renamed into it, so that a name that exists holds all its bytes, whenever the process or the power goes.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatQuantity } from '@edgetune/shared/domain/units.ts';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
import type { BlobStore } from '../study/context/blob-store.ts';
import { explainWriteError } from './write-error.ts';

export interface BlobDirectoryOptions {
  quotaBytes: number;
  now?: () => number;
}

/** A clean-up goes down to this share of the quota, so that there is room until the next one. */
const LOW_WATER = 0.8;
/** A blob this young may not be named by any record yet: a clean-up leaves it alone. */
const GRACE_MS = 60_000;

export function openBlobDirectory(directory: string, { quotaBytes, now = Date.now }: BlobDirectoryOptions): BlobStore {
  const incoming = join(directory, 'incoming');
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  const files = listFiles(directory);
  let usedBytes = [...files.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  /** Puts under way, so that two of the same content write once and both see the quota. */
  const writing = new Map<string, Promise<void>>();

  /** Folders whose place in the directory is on the disk. */
  const synced = new Set<string>();

  const place = (sha256: string) => join(directory, sha256.slice(0, 2), sha256);

  async function write(sha256: string, bytes: Uint8Array): Promise<void> {
    if (usedBytes + bytes.byteLength > quotaBytes)
      throw new NotWrittenError(
        'quota',
        `the quota for models and checkpoints is reached: ${formatQuantity(usedBytes, 'memory')} of ${formatQuantity(quotaBytes, 'memory')} are used and ${formatQuantity(bytes.byteLength, 'memory')} more were to be stored in ${directory}. Remove studies that are no longer needed, or raise the quota`,
      );
    usedBytes += bytes.byteLength;
    const temporary = join(incoming, randomUUID());
    try {
      await writeDurably(temporary, place(sha256), bytes, synced);
      files.set(sha256, { bytes: bytes.byteLength, storedAtMs: now() });
    } catch (error) {
      usedBytes -= bytes.byteLength;
      await rm(temporary, { force: true });
      throw explainWriteError(error, directory);
    }
  }

  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes);
      const known = files.get(sha256);
      if (known) known.storedAtMs = now();
      else {
        let pending = writing.get(sha256);
        if (!pending) {
          pending = write(sha256, bytes).finally(() => writing.delete(sha256));
          writing.set(sha256, pending);
        }
        await pending;
      }
      return sha256;
    },
    async get(sha256) {
      if (!files.has(sha256))
        throw new Error(`blob ${sha256} is not in ${directory}: it was never stored, or a clean-up has removed it`);
      const bytes = await readFile(place(sha256));
      if (sha256Of(bytes) !== sha256)
        throw new Error(`${place(sha256)} is damaged: its content does not match its name. Delete it and make it anew`);
      return bytes;
    },
    has: (sha256) => files.has(sha256),
    path: (sha256) => (files.has(sha256) ? place(sha256) : null),
    async collect(inUse, { all = false } = {}) {
      const target = all ? 0 : quotaBytes * LOW_WATER;
      const before = usedBytes;
      const oldestFirst = [...files].sort(([, a], [, b]) => a.storedAtMs - b.storedAtMs);
      for (const [sha256, { bytes, storedAtMs }] of oldestFirst) {
        if (usedBytes <= target) break;
        if (inUse.has(sha256) || now() - storedAtMs < GRACE_MS) continue;
        files.delete(sha256);
        usedBytes -= bytes;
        await rm(place(sha256), { force: true });
      }
      return before - usedBytes;
    },
  };
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function listFiles(directory: string): Map<string, { bytes: number; storedAtMs: number }> {
  const files = new Map<string, { bytes: number; storedAtMs: number }>();
  for (const folder of readdirSync(directory).filter((name) => /^[0-9a-f]{2}$/.test(name)))
    for (const name of readdirSync(join(directory, folder)).filter((name) => /^[0-9a-f]{64}$/.test(name))) {
      const { size, mtimeMs } = statSync(join(directory, folder, name));
      files.set(name, { bytes: size, storedAtMs: mtimeMs });
    }
  return files;
}

async function writeDurably(temporary: string, path: string, bytes: Uint8Array, synced: Set<string>): Promise<void> {
  const file = await open(temporary, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await rename(temporary, path);
  await syncDirectory(folder);
  // Whoever made it may have failed afterwards.
  if (synced.has(folder)) return;
  await syncDirectory(dirname(folder));
  synced.add(folder);
}

/** A rename is on the disk only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
