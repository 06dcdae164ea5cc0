/**
 * Looks at the database before anything is done to it: SQLite makes an empty one of a file that is missing or empty, and
 * throws away the log beside it, which may hold all that there is.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Libsql from 'libsql';

const bytesOf = (path: string) => (existsSync(path) ? statSync(path).size : 0);

/** @throws {Error} where there was a database, and now there is none */
export function refuseEmptied(file: string): void {
  if (bytesOf(file) > 0) return;
  const isThere = existsSync(file);
  const traces = tracesBeside(file);
  if (!isThere && traces.length === 0) return;
  throw new Error(
    `${file} is ${isThere ? 'empty' : 'missing'}${traces.length > 0 ? `, though there is ${traces.join(', ')}` : ''}: to begin with an empty fleet would be to forget the one there was. ${REMEDY} To begin anew, move ${dirname(file)} away`,
  );
}

const REMEDY = 'Put it back from a backup (edgetune restore FILE), or from a copy of the whole data directory.';

/** What a coordinator leaves that has been at work here. */
function tracesBeside(file: string): string[] {
  const directory = dirname(file);
  const blobs = join(directory, 'blobs');
  const hasModels = existsSync(blobs) && readdirSync(blobs).some((name) => /^[0-9a-f]{2}$/.test(name));
  return [
    ...(bytesOf(`${file}-wal`) > 0 ? [`${file}-wal`] : []),
    ...(existsSync(join(directory, 'identity')) ? ["the coordinator's identity"] : []),
    ...(hasModels ? ['models and checkpoints'] : []),
  ];
}

/**
 * Reads the whole file: seconds, for a large one.
 * @throws {Error} where its structure is damaged, or what it held is gone
 */
export function refuseDamaged(client: Libsql.Database, file: string): void {
  const [found] = client.pragma('quick_check(1)') as { quick_check: string }[];
  if (found?.quick_check !== 'ok') throw damaged(file, found?.quick_check ?? 'it does not answer');
  const tables = client.prepare("SELECT count(*) AS count FROM sqlite_master WHERE type = 'table'").get() as {
    count: number;
  };
  const traces = tracesBeside(file).filter((trace) => trace !== `${file}-wal`);
  if (tables.count === 0 && traces.length > 0)
    throw new Error(`${file} has no tables, though there is ${traces.join(', ')}. ${REMEDY}`);
}

export function damaged(file: string, what: string, cause?: unknown): Error {
  return new Error(
    `${file} is damaged (${what}), and nothing is begun on it. ${REMEDY} What can still be read of it comes out by "sqlite3 FILE .recover"`,
    { cause },
  );
}
