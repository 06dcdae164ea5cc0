/**
 * A small database of each released schema, as its EdgeTune left it: `node scripts/run.js scripts/database-fixtures.ts`
 * makes those that are missing in test/fixtures/databases, one a migration. What was released is never made anew: a
 * test opens each with the EdgeTune of today.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import Libsql from 'libsql';
import { migrations } from '../coordinator/store/migrations/all.ts';
import { AT, tables } from './database-fixtures/rows.ts';

/** @param since number of the last migration, from 1 */
function makeDatabase(file: string, since: number): void {
  const client = new Libsql(file);
  client.exec('CREATE TABLE migrations (name TEXT PRIMARY KEY NOT NULL, done_at TEXT NOT NULL)');
  for (const { name, sql } of migrations.slice(0, since)) {
    client.exec(sql);
    client.prepare('INSERT INTO migrations VALUES (?, ?)').run(name, AT);
  }
  for (const [table, row] of tables(since)) {
    const columns = Object.keys(row);
    const values = Object.values(row).map((value) =>
      typeof value === 'object' && value !== null ? JSON.stringify(value) : value,
    );
    client
      .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`)
      .run(...values);
  }
  client.close();
}

const folder = join(import.meta.dirname, '..', 'test', 'fixtures', 'databases');
mkdirSync(folder, { recursive: true });
const temporary = mkdtempSync(join(tmpdir(), 'edgetune-databases-'));
for (const [index, { name }] of migrations.entries()) {
  const fixture = join(folder, `${name}.db.gz`);
  if (existsSync(fixture)) continue;
  const file = join(temporary, `${name}.db`);
  makeDatabase(file, index + 1);
  writeFileSync(fixture, gzipSync(readFileSync(file), { level: 9 }));
  console.log(fixture);
}
rmSync(temporary, { recursive: true });
