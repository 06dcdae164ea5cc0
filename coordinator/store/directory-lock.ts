/**
 * One coordinator per data directory. The lock is an open exclusive transaction on a small SQLite file: the operating
 * system gives it back when its process dies, however it dies, and it holds between containers that share a volume,
 * where process ids mean nothing. The process id beside it only serves the message.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { explainWriteError } from './write-error.ts';

/**
 * Takes the directory for this process.
 * @returns the function that gives it back
 * @throws {Error} naming the process that holds it
 */
export function lockDirectory(directory: string): () => void {
  const ownerFile = join(directory, 'coordinator.pid');
  const lockFile = join(directory, 'coordinator.lock');
  let lock: Libsql.Database | null = null;
  try {
    lock = new Libsql(lockFile);
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw explainWriteError(error, lockFile);
    throw new Error(
      `another coordinator${owner(ownerFile)} uses the data directory ${directory}: stop it, or choose another directory`,
      { cause: error },
    );
  }
  try {
    writeFileSync(ownerFile, `${process.pid}\n`);
  } catch {
    // On a full disk the message does without it.
  }
  const held = lock;
  return () => {
    rmSync(ownerFile, { force: true });
    held.exec('ROLLBACK');
    held.close();
  };
}

function owner(file: string): string {
  try {
    return ` (process ${readFileSync(file, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
