/**
 * One file with all that a coordinator needs to go on elsewhere: its database as of one moment, the identity and the TLS
 * key by which boards know it, its settings, and models and checkpoints. It is taken while the coordinator runs.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile, rename, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { writeDurably } from '@edgetune/shared/runtime/durable-file.ts';
import Libsql from 'libsql';
import { z } from 'zod';
import { VERSION } from './version.ts';

const run = promisify(execFile);

export const DATABASE = 'edgetune.db';
/** Beside the database: by which boards know the coordinator, and how it was set. Where they are. */
export const KEPT_FILES = ['identity/coordinator.json', 'tls/key.pem', 'tls/cert.pem', 'edgetune.yaml'] as const;
export const MANIFEST = 'backup.json';

export const manifestSchema = z.object({
  format: z.literal('edgetune-backup'),
  formatVersion: z.literal(1),
  createdAt: z.string(),
  /** Version of EdgeTune. */
  version: z.string(),
  /** SHA-256 of each file but models and checkpoints, which are named by theirs. */
  files: z.record(z.string(), z.string()),
  /** How many models and checkpoints are in it; null: they were left out. */
  blobs: z.int().min(0).nullable(),
});
export type BackupManifest = z.infer<typeof manifestSchema>;

/**
 * Writes the backup, for its owner only: it holds keys.
 * @param withBlobs false: without models and checkpoints, which are most of it
 * @throws {Error} where there is no database, the file exists, or the disk is full
 */
export async function backUp(
  dataDir: string,
  file: string,
  { withBlobs = true, now = new Date() }: { withBlobs?: boolean; now?: Date } = {},
): Promise<BackupManifest & { bytes: number }> {
  const target = resolve(file);
  if (existsSync(target)) throw new Error(`${target} exists: choose another name for the backup`);
  if (!existsSync(join(dataDir, DATABASE)))
    throw new Error(`there is no ${DATABASE} in ${dataDir}: say where the data of the coordinator are (--data-dir)`);
  // On the same disk as models and checkpoints, which are linked into it: none can go while they are packed.
  const staging = mkdtempSync(join(dataDir, 'backup-'));
  const partial = `${target}.${process.pid}.partial`;
  try {
    // Before the database, because a clean-up may take them once it is copied; and after it, because it names the newest.
    if (withBlobs) linkBlobs(dataDir, staging);
    snapshot(join(dataDir, DATABASE), join(staging, DATABASE));
    const blobs = withBlobs ? linkBlobs(dataDir, staging) : null;
    const files = await copyFiles(dataDir, staging);
    const manifest: BackupManifest = {
      ...({ format: 'edgetune-backup', formatVersion: 1, createdAt: now.toISOString(), version: VERSION } as const),
      ...{ files, blobs },
    };
    writeDurably(join(staging, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
    writeDurably(partial, '', 0o600);
    await pack(staging, partial);
    await rename(partial, target);
    return { ...manifest, bytes: (await stat(target)).size };
  } finally {
    rmSync(partial, { force: true });
    rmSync(staging, { recursive: true, force: true });
  }
}

async function pack(staging: string, archive: string): Promise<void> {
  const names = readdirSync(staging).filter((name) => name !== MANIFEST);
  try {
    // What it is, is said first.
    await run('tar', ['-cf', archive, '-C', staging, MANIFEST, ...names]);
  } catch (error) {
    // A clean-up that removes a model changes how many names its file has: to tar that is a change of the file.
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    const lines = stderr.trim().split('\n');
    if (code === 1 && lines.every((line) => line.endsWith('file changed as we read it'))) return;
    throw new Error(`the backup could not be written to ${archive}: ${stderr.trim() || (error as Error).message}`, {
      cause: error,
    });
  }
}

/** The database as of one moment, whoever writes to it meanwhile, and with nothing in a log beside it. */
function snapshot(from: string, to: string): void {
  const client = new Libsql(from);
  try {
    client.exec('PRAGMA busy_timeout=5000');
    client.prepare('VACUUM INTO ?').run(to);
  } finally {
    client.close();
  }
  chmodSync(to, 0o600);
}

/** @returns SHA-256 by name */
async function copyFiles(dataDir: string, staging: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of [DATABASE, ...KEPT_FILES]) {
    const path = join(staging, name);
    if (name !== DATABASE) {
      if (!existsSync(join(dataDir, name))) continue;
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      copyFileSync(join(dataDir, name), path);
    }
    files[name] = sha256Of(await readFile(path));
  }
  return files;
}

/** @returns how many there are now */
function linkBlobs(dataDir: string, staging: string): number {
  const [from, to] = [join(dataDir, 'blobs'), join(staging, 'blobs')];
  mkdirSync(to, { recursive: true });
  let count = 0;
  for (const folder of existsSync(from) ? readdirSync(from).filter((name) => /^[0-9a-f]{2}$/.test(name)) : []) {
    mkdirSync(join(to, folder), { recursive: true });
    for (const name of readdirSync(join(from, folder)))
      linkUnlessGone(join(from, folder, name), join(to, folder, name));
    count += readdirSync(join(to, folder)).length;
  }
  return count;
}

/** What a clean-up has just removed is named by nothing that is there. */
function linkUnlessGone(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return;
    // A file system without links.
    copyFileSync(from, to);
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
