/** One file holds everything; one that is damaged, empty or gone is refused, and not begun anew. */
import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import Libsql from 'libsql';
import { loadIdentity } from '../../../coordinator/config/identity.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { until } from '../../support/waiting.ts';

const device = (id: string) => ({
  ...{ id, name: id, addedAt: '2026-01-01T00:00:00.000Z', joinedAt: null, lastSeenAt: null },
  ...{ board: null, credentialHash: null },
});

/** A data directory that a coordinator has been at work in. */
async function used(t: TestContext, devices = 3) {
  const directory = temporaryFolder(t);
  const store = openStore(directory);
  loadIdentity(directory);
  for (let i = 0; i < devices; i++) await store.devices.insert(device(`d-${i}`));
  store.close();
  return { directory, file: join(directory, 'edgetune.db') };
}

/** Ids of the devices in a copy of this one file. */
function inCopyOf(t: TestContext, file: string): string[] {
  const copy = join(temporaryFolder(t), 'copy.db');
  copyFileSync(file, copy);
  const client = new Libsql(copy);
  try {
    return (client.prepare('SELECT id FROM devices ORDER BY id').all() as { id: string }[]).map(({ id }) => id);
  } finally {
    client.close();
  }
}

describe('the one file', () => {
  it('holds everything after a clean end', async (t) => {
    const { directory, file } = await used(t);
    assert.deepEqual(inCopyOf(t, file), ['d-0', 'd-1', 'd-2']);
    const wal = `${file}-wal`;
    assert.ok(!existsSync(wal) || statSync(wal).size === 0, readdirSync(directory).join());
  });

  it('has what was written soon after, while the coordinator runs', async (t) => {
    const file = join(temporaryFolder(t), 'a.db');
    const database = openDatabase(file, { checkpointEveryMs: 5 });
    t.after(() => database.close());
    await database.write(() =>
      database.client.exec("INSERT INTO devices (id, name, added_at) VALUES ('d-1', 'a', '')"),
    );
    await until('it to be in the file', () => {
      try {
        return inCopyOf(t, file).length === 1;
      } catch {
        return false; // Its tables are in the log still.
      }
    });
  });

  it('lacks what a reader holds back: that is said at the end', async (t) => {
    const file = join(temporaryFolder(t), 'a.db');
    const log: string[] = [];
    const database = openDatabase(file, { log: plainLogger((line) => log.push(line)), checkpointEveryMs: 5 });
    const reader = new Libsql(file);
    t.after(() => reader.close());
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM devices').get();
    await database.write(() =>
      database.client.exec("INSERT INTO devices (id, name, added_at) VALUES ('d-1', 'a', '')"),
    );
    database.close();
    assert.deepEqual(log, [`what was written last stays in ${file}-wal: copy it too: another program reads it`]);
  });
});

describe('is refused with its path and the remedy, and left as it is:', () => {
  const refused = (directory: string, file: string, what: RegExp) =>
    assert.throws(
      () => openStore(directory, { log: plainLogger(() => {}) }),
      ({ message }: Error) => message.startsWith(file) && what.test(message) && /edgetune restore FILE/.test(message),
    );

  it('one that was emptied', async (t) => {
    const { directory, file } = await used(t);
    truncateSync(file);
    refused(directory, file, /is empty, though there is the coordinator's identity/);
    assert.equal(statSync(file).size, 0);
  });

  it('one that is gone, where a coordinator has been at work', async (t) => {
    const { directory, file } = await used(t);
    rmSync(file);
    refused(directory, file, /is missing, though there is the coordinator's identity/);
    assert.ok(!existsSync(file));
    rmSync(join(directory, 'identity'), { recursive: true });
    const store = openStore(directory);
    await store.blobs.put(new Uint8Array(10));
    store.close();
    rmSync(file);
    refused(directory, file, /is missing, though there is models and checkpoints/);
  });

  it('one whose log holds all that there is', async (t) => {
    const { directory, file } = await used(t);
    const content = readFileSync(file);
    writeFileSync(`${file}-wal`, content);
    truncateSync(file);
    refused(directory, file, /is empty, though there is .*edgetune\.db-wal/);
    assert.deepEqual(readFileSync(`${file}-wal`), content);
  });

  it('one that lacks its tables', async (t) => {
    const { directory, file } = await used(t);
    rmSync(file);
    const client = new Libsql(file);
    client.exec('CREATE TABLE a (b); DROP TABLE a');
    client.close();
    refused(directory, file, /has no tables, though there is the coordinator's identity/);
  });

  it('one with a page of rubbish, one that was cut, and one without a beginning', async (t) => {
    for (const damage of [
      (file: string) => overwrite(file, statSync(file).size / 2, 8192),
      (file: string) => truncateSync(file, statSync(file).size - 8192),
      (file: string) => overwrite(file, 0, 100),
    ]) {
      const { directory, file } = await used(t, 300);
      damage(file);
      const before = readFileSync(file);
      refused(directory, file, /is damaged/);
      assert.deepEqual(readFileSync(file), before);
    }
  });

  it('and a first start is none of that, also where one before has failed', (t) => {
    const directory = temporaryFolder(t);
    const file = join(directory, 'edgetune.db');
    const broken = { name: '0001-broken', sql: 'CREATE TABEL' };
    assert.throws(() => openDatabase(file, { migrations: [broken] }), /migration 0001-broken failed/);
    assert.deepEqual(readdirSync(directory), []);
    openStore(directory).close();
    assert.throws(() => openDatabase(file, { migrations: [broken] }), /newer EdgeTune/);
    openStore(directory).close();
  });
});

function overwrite(file: string, at: number, bytes: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(bytes, 0xa5), 0, bytes, Math.floor(at / 4096) * 4096);
  closeSync(handle);
}
