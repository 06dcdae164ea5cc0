/** Brings a database up to date: runs the migrations that it has not recorded, each in a transaction of its own. */
import type { Database } from 'libsql';
import type { Migration } from './migrations/all.ts';

/**
 * @throws {Error} where the database was written by a newer version, whose migrations this one does not know
 */
export function migrate(client: Database, migrations: readonly Migration[]): void {
  client.exec('CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY NOT NULL, done_at TEXT NOT NULL)');
  const done = new Set((client.prepare('SELECT name FROM migrations').all() as { name: string }[]).map((r) => r.name));
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...done].filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Error(
      `the database was written by a newer EdgeTune (it has migrations ${unknown.join(', ')}): update EdgeTune, or choose another data directory`,
    );
  for (const migration of migrations.filter(({ name }) => !done.has(name))) apply(client, migration);
}

function apply(client: Database, { name, sql }: Migration): void {
  client.exec('BEGIN IMMEDIATE');
  try {
    client.exec(sql);
    client.prepare('INSERT INTO migrations (name, done_at) VALUES (?, ?)').run(name, new Date().toISOString());
    client.exec('COMMIT');
  } catch (error) {
    client.exec('ROLLBACK');
    throw new Error(`migration ${name} failed: ${(error as Error).message}`, { cause: error });
  }
}
