import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { is } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrations } from '../../../coordinator/store/migrations/all.ts';
import * as schema from '../../../coordinator/store/schema.ts';
import { createStudyTable } from '../../../coordinator/store/study-table.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const record = {
  id: 's-1',
  name: 'n',
  yaml: '',
  state: 'queued',
  reason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
} as const;

const small = { type: 'warning', message: 'small' } as const;
const large = { type: 'warning', message: 'x'.repeat(1e6) } as const;

test('the migrations make the very tables that the schema describes', (t) => {
  const database = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(() => database.close());
  for (const table of Object.values(schema).filter((value) => is(value, SQLiteTable))) {
    const { name, columns, foreignKeys } = getTableConfig(table as SQLiteTable);
    const made = database.client.pragma(`table_info(${name})`) as { name: string; type: string; notnull: number }[];
    assert.deepEqual(
      made.map((column) => [column.name, column.type]),
      columns.map((column) => [column.name, column.getSQLType().toUpperCase()]),
      name,
    );
    for (const column of columns.filter(({ primary }) => !primary))
      assert.equal(made.find((other) => other.name === column.name)?.notnull, column.notNull ? 1 : 0, column.name);
    assert.equal((database.client.pragma(`foreign_key_list(${name})`) as unknown[]).length, foreignKeys.length, name);
  }
});

test('commits are synced: WAL with synchronous=FULL, and foreign keys hold', (t) => {
  const { client, close } = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(close);
  assert.deepEqual(client.pragma('journal_mode'), [{ journal_mode: 'wal' }]);
  assert.deepEqual(client.pragma('synchronous'), [{ synchronous: 2 }]);
  assert.deepEqual(client.pragma('foreign_keys'), [{ foreign_keys: 1 }]);
});

test('a write that need not wait for the disk leaves the others waiting for it, also when it fails', async (t) => {
  const { client, write, writeSoon, close } = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(close);
  const synchronous = () => (client.pragma('synchronous') as { synchronous: number }[])[0]?.synchronous;
  assert.equal(await writeSoon(synchronous), 1);
  await assert.rejects(
    writeSoon(() => assert.fail('work failed')),
    /work failed/,
  );
  assert.deepEqual(await Promise.all([writeSoon(synchronous), write(synchronous)]), [2, 2], 'together they wait');
  assert.equal(synchronous(), 2);
});

test('migrations run once, in order; one that fails leaves nothing behind', (t) => {
  const file = join(temporaryFolder(t), 'a.db');
  openDatabase(file).close();
  const next = { name: '0002-next', sql: 'CREATE TABLE extra (x TEXT); INSERT INTO extra VALUES (1)' };
  const broken = { name: '0003-broken', sql: 'CREATE TABLE half (x TEXT); CREATE TABEL' };
  assert.throws(
    () => openDatabase(file, { migrations: [...migrations, next, broken] }),
    /migration 0003-broken failed: .*TABEL/,
  );
  const database = openDatabase(file, { migrations: [...migrations, next] });
  assert.deepEqual(database.client.prepare('SELECT x FROM extra').all(), [{ x: '1' }]);
  assert.deepEqual(database.client.prepare("SELECT name FROM sqlite_master WHERE name = 'half'").all(), []);
  database.close();
});

test('a database of a newer version, and a file that is none, are refused with what to do', (t) => {
  const directory = temporaryFolder(t);
  const newer = join(directory, 'newer.db');
  const future = { name: '0099-future', sql: 'CREATE TABLE future (x TEXT)' };
  openDatabase(newer, { migrations: [...migrations, future] }).close();
  assert.throws(() => openDatabase(newer), /written by a newer EdgeTune .*0099-future.*update EdgeTune/);
  const other = join(directory, 'other.db');
  writeFileSync(
    other,
    'this is a text file, and it is long enough to be taken for a database header by nobody at all.',
  );
  assert.throws(
    () => openDatabase(other),
    /other\.db is not an EdgeTune database, or it is damaged at its beginning: .*restore FILE.*move it away/,
  );
});

test('a study whose first event cannot be written is not there', async (t) => {
  const database = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(database.close);
  const studies = createStudyTable(database);
  database.client.pragma('max_page_count=1');
  await assert.rejects(studies.insert(record, large), /the disk is full/);
  assert.deepEqual(studies.list(), []);
});

test('after a clean end the one file holds everything', async (t) => {
  const directory = temporaryFolder(t);
  const database = openDatabase(join(directory, 'a.db'));
  const studies = createStudyTable(database);
  void studies.insert(record, small);
  database.close();
  copyFileSync(join(directory, 'a.db'), join(directory, 'copy.db'));
  const copy = openDatabase(join(directory, 'copy.db'));
  t.after(copy.close);
  assert.deepEqual(createStudyTable(copy).list(), [record]);
});
