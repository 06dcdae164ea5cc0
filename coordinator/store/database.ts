/** The database: drizzle over the synchronous libsql client, durable at every commit. */
import { existsSync, rmSync } from 'node:fs';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import { createTableRelationsHelpers, extractTablesRelationalConfig } from 'drizzle-orm/relations';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core/dialect';
import Libsql from 'libsql';
import { Troubles } from '../lifecycle/troubles.ts';
import { keepCheckpoints } from './checkpoints.ts';
import { damaged, refuseDamaged, refuseEmptied } from './database-file.ts';
import { migrate } from './migrate.ts';
import { migrations as allMigrations, type Migration } from './migrations/all.ts';
import * as schema from './schema.ts';
import { codeOf, explainWriteError } from './write-error.ts';
import { WriteQueue, type WriteQueueOptions } from './write-queue.ts';

type Schema = typeof schema;
export type Queries = BaseSQLiteDatabase<'sync', Libsql.RunResult, Schema>;

export interface Database {
  read: Queries;
  /**
   * Does `work` in a transaction (write-queue.ts). Resolves with what it did when that is on the disk; rejects where
   * nothing of it is, at once where the disk is full: for what a person asks.
   */
  write<T>(work: (queries: Queries) => T): Promise<T>;
  /** The same, but while the disk is full it waits: for what has happened, and nobody would do again. */
  writePatiently<T>(work: (queries: Queries) => T): Promise<T>;
  /**
   * The same as `writePatiently` without waiting for the disk: it outlives the process, however that dies, but a power cut may take back
   * the last of such writes. For what a restart puts right by itself.
   */
  writeSoon<T>(work: (queries: Queries) => T): Promise<T>;
  /** Resolves when everything that was handed over before is written, or has failed; null: nothing waits. */
  written(): Promise<void> | null;
  /** How many patient writes have failed so far. */
  failures(): number;
  /** Writes what waits, and leaves everything in the one file. */
  close(): void;
  client: Libsql.Database;
}

export interface DatabaseOptions extends Partial<Pick<WriteQueueOptions, 'log' | 'after' | 'troubles'>> {
  migrations?: readonly Migration[];
  /** How long it may be locked by another program when it is opened, and when it is closed. */
  patienceMs?: number;
  /** How often what was written is moved into the one file. */
  checkpointEveryMs?: number;
}

/** While it opens or closes nobody else is served: a short backup by another program may be waited for on the spot. */
const PATIENCE_MS = 5000;
/**
 * While it is open it blocks the one thread no longer than this, for a reader or writer that is done in a moment; the
 * queue of writes waits for longer ones without that.
 */
const BUSY_TIMEOUT_MS = 20;

/**
 * Opens (and creates, and migrates) the database in `file`. WAL keeps commits cheap; `synchronous=FULL` makes SQLite
 * sync the WAL at every commit, so that an acknowledged write outlives a power cut.
 */
export function openDatabase(file: string, options: DatabaseOptions = {}): Database {
  const { migrations = allMigrations, patienceMs = PATIENCE_MS, after } = options;
  const { log = plainLogger(console.error), troubles = new Troubles() } = options;
  refuseEmptied(file);
  const isNew = !existsSync(file);
  const client = new Libsql(file);
  try {
    client.exec(`PRAGMA busy_timeout=${patienceMs}`);
    client.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON');
    refuseDamaged(client, file);
    migrate(client, migrations);
    client.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
  } catch (error) {
    client.close();
    // A first start on a full disk leaves an empty file, which the next would take for one that was emptied.
    if (isNew) for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    throw explainOpenError(error, file);
  }
  const read = queriesOver(client);
  const checkpoints = keepCheckpoints({ client, file, log }, options.checkpointEveryMs);
  const queue = new WriteQueue({ client, file, log, troubles, ...(after ? { after } : {}) });
  return {
    read,
    write: (work) => queue.push(() => work(read), { durable: true, patient: false }),
    writePatiently: (work) => queue.push(() => work(read), { durable: true, patient: true }),
    writeSoon: (work) => queue.push(() => work(read), { durable: false, patient: true }),
    written: () => queue.written(),
    failures: () => queue.failures,
    close() {
      client.exec(`PRAGMA busy_timeout=${patienceMs}`);
      queue.close();
      client.exec(`PRAGMA busy_timeout=${BUSY_TIMEOUT_MS}`);
      checkpoints.close();
      client.close();
    },
    client,
  };
}

/**
 * drizzle's own `drizzle()` for this driver imports the package better-sqlite3, which compiles at install and needs a
 * newer Node. Its session and dialect take any client of the same interface, which libsql has.
 */
function queriesOver(client: Libsql.Database): Queries {
  const dialect = new SQLiteSyncDialect();
  const tables = extractTablesRelationalConfig(schema, createTableRelationsHelpers);
  const relational = { fullSchema: schema, schema: tables.tables, tableNamesMap: tables.tableNamesMap };
  const session = new BetterSQLiteSession(client as never, dialect, relational as never);
  return new BaseSQLiteDatabase('sync', dialect as never, session as never, relational as never) as unknown as Queries;
}

function explainOpenError(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (code.startsWith('SQLITE_BUSY'))
    return new Error(
      `${file} is locked by another program (a backup, an SQLite shell?): end that program, then start again`,
      {
        cause: error,
      },
    );
  if (code.startsWith('SQLITE_CORRUPT')) return damaged(file, (error as Error).message, error);
  if (code !== 'SQLITE_NOTADB') return explainWriteError(error, file);
  return new Error(
    `${file} is not an EdgeTune database, or it is damaged at its beginning: put it back from a backup (edgetune restore FILE), move it away, or choose another data directory`,
    {
      cause: error,
    },
  );
}
