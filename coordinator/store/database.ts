/** The database: drizzle over the synchronous libsql client, durable at every commit. */
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import { createTableRelationsHelpers, extractTablesRelationalConfig } from 'drizzle-orm/relations';
import { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core/dialect';
import Libsql from 'libsql';
import { migrate } from './migrate.ts';
import { migrations as allMigrations, type Migration } from './migrations/all.ts';
import * as schema from './schema.ts';
import { explainWriteError } from './write-error.ts';

type Schema = typeof schema;
export type Queries = BaseSQLiteDatabase<'sync', Libsql.RunResult, Schema>;

export interface Database {
  read: Queries;
  /** Runs `work` in one transaction: when it returns, all of it is on the disk; when it throws, nothing is. */
  write<T>(work: (queries: Queries) => T): T;
  /**
   * The same without waiting for the disk: it outlives the process, however that dies, but a power cut may take back
   * the last of such writes. For what a restart puts right by itself.
   */
  writeSoon<T>(work: (queries: Queries) => T): T;
  close(): void;
  client: Libsql.Database;
}

/**
 * Opens (and creates, and migrates) the database in `file`. WAL keeps commits cheap; `synchronous=FULL` makes SQLite
 * sync the WAL at every commit, so that an acknowledged write outlives a power cut.
 */
export function openDatabase(file: string, migrations: readonly Migration[] = allMigrations): Database {
  const client = new Libsql(file);
  try {
    client.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON');
    migrate(client, migrations);
  } catch (error) {
    client.close();
    throw explainOpenError(error, file);
  }
  const read = queriesOver(client);
  const write = <T>(work: (queries: Queries) => T): T => {
    try {
      client.exec('BEGIN IMMEDIATE');
      const result = work(read);
      client.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself has rolled back after some errors, such as a full disk; libsql's own transaction() rolls back
      // once more then, and its complaint about that hides the error.
      if (client.inTransaction) client.exec('ROLLBACK');
      throw explainWriteError(error, file);
    }
  };
  return {
    read,
    write,
    writeSoon: (work) => {
      client.exec('PRAGMA synchronous=NORMAL');
      try {
        return write(work);
      } finally {
        client.exec('PRAGMA synchronous=FULL');
      }
    },
    close: () => client.close(),
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
  if ((error as { code?: string }).code !== 'SQLITE_NOTADB') return explainWriteError(error, file);
  return new Error(`${file} is not an EdgeTune database: move it away, or choose another data directory`, {
    cause: error,
  });
}
