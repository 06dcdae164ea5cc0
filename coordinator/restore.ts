/** Puts a backup into a data directory. What was there is moved aside, never deleted. */
import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { type BackupManifest, DATABASE, KEPT_FILES, MANIFEST, manifestSchema, sha256Of } from './backup.ts';
import { openDatabase } from './store/database.ts';
import { refuseDamaged } from './store/database-file.ts';
import { lockDirectory } from './store/directory-lock.ts';

const run = promisify(execFile);
/** What may be in a backup, and is replaced as a whole. */
const BLOB = /^blobs\/([0-9a-f]{2})\/(\1[0-9a-f]{62})$/;
const PARTS = ['identity', 'tls', 'edgetune.yaml', 'blobs', DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`];

export interface Restored {
  manifest: BackupManifest;
  /** Folder of what was there before; null: there was nothing. */
  movedTo: string | null;
}

/**
 * @param replace also where a database is there that can be used
 * @throws {Error} where the file is no whole backup, the directory is in use, or it has a fleet and `replace` is false:
 *   nothing is changed then
 */
export async function restore(
  dataDir: string,
  file: string,
  { replace = false, now = new Date() }: { replace?: boolean; now?: Date } = {},
): Promise<Restored> {
  if (!existsSync(file)) throw new Error(`there is no ${file}`);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDirectory(dataDir);
  let staging: string | null = null;
  try {
    if (!replace && isUsable(join(dataDir, DATABASE)))
      throw new Error(
        `${dataDir} has a fleet and studies of its own: give --replace to put the backup in their place (they are moved aside), or another --data-dir`,
      );
    staging = mkdtempSync(join(dataDir, 'restore-'));
    const manifest = await unpack(resolve(file), staging);
    return { manifest, movedTo: putInPlace(dataDir, staging, now) };
  } finally {
    if (staging) rmSync(staging, { recursive: true, force: true });
    unlock();
  }
}

/** Whether a coordinator would begin on it. It is looked at only. */
function isUsable(database: string): boolean {
  if (!existsSync(database)) return false;
  let client: Libsql.Database | null = null;
  try {
    client = new Libsql(database, { readonly: true });
    refuseDamaged(client, database);
    return (client.prepare('SELECT count(*) AS count FROM migrations').get() as { count: number }).count > 0;
  } catch {
    return false;
  } finally {
    client?.close();
  }
}

/** @throws {Error} where it is no backup, or one that is damaged */
async function unpack(file: string, staging: string): Promise<BackupManifest> {
  const noBackup = (why: string, cause?: unknown) =>
    new Error(`${file} is no whole backup of EdgeTune (${why}): nothing was changed`, { cause });
  const { stdout } = await run('tar', ['-tf', file], { maxBuffer: 2 ** 28 }).catch((error) => {
    throw noBackup('it cannot be read', error);
  });
  const names = stdout.split('\n').filter((name) => name !== '' && !name.endsWith('/'));
  const foreign = names.find((name) => ![MANIFEST, DATABASE, ...KEPT_FILES].includes(name) && !BLOB.test(name));
  if (foreign !== undefined) throw noBackup(`it has ${JSON.stringify(foreign.slice(0, 100))} in it`);
  await run('tar', ['-xf', file, '--no-same-owner', '-C', staging]).catch((error) => {
    throw noBackup('it cannot be unpacked', error);
  });
  const manifest = await readManifest(join(staging, MANIFEST)).catch((error) => {
    throw noBackup('it does not say what it is', error);
  });
  const expected = Object.keys(manifest.files);
  for (const name of names.filter((name) => name !== MANIFEST)) {
    const sha256 = BLOB.exec(name)?.[2] ?? manifest.files[name];
    const path = join(staging, name);
    if (!lstatSync(path).isFile()) throw noBackup(`${name} is no file`);
    if (sha256Of(await readFile(path)) !== sha256) throw noBackup(`${name} is damaged`);
  }
  const missing = [DATABASE, ...expected].find((name) => !names.includes(name));
  if (missing !== undefined) throw noBackup(`${missing} is missing`);
  const blobs = names.filter((name) => BLOB.test(name)).length;
  if (blobs !== (manifest.blobs ?? 0)) throw noBackup(`${blobs} of ${manifest.blobs} models and checkpoints are in it`);
  // Of a version that this one can read; structure and migrations are looked at.
  openDatabase(join(staging, DATABASE)).close();
  return manifest;
}

async function readManifest(path: string): Promise<BackupManifest> {
  return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

function putInPlace(dataDir: string, staging: string, now: Date): string | null {
  const aside = join(dataDir, `replaced-${now.toISOString().replaceAll(/[:.]/g, '-')}`);
  const has = new Set(readdirSync(staging));
  for (const part of PARTS) {
    const place = join(dataDir, part);
    // Models that the backup leaves out stay: they are named by their content.
    if (!existsSync(place) || (part === 'blobs' && !has.has('blobs'))) continue;
    mkdirSync(aside, { recursive: true, mode: 0o700 });
    renameSync(place, join(aside, part));
  }
  // The database last: without it nothing is begun on the rest.
  for (const part of PARTS.filter((name) => has.has(name))) {
    mkdirSync(dirname(join(dataDir, part)), { recursive: true });
    renameSync(join(staging, part), join(dataDir, part));
  }
  return existsSync(aside) ? aside : null;
}
