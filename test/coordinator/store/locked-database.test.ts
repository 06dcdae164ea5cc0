/** Another program holds the database: it is waited for, nobody else has to, and nothing is lost. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import Libsql from 'libsql';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrations } from '../../../coordinator/store/migrations/all.ts';
import { createStudyTable } from '../../../coordinator/store/study-table.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn, until } from '../../support/waiting.ts';

const record = {
  id: 's-1',
  name: 'n',
  yaml: '',
  state: 'queued',
  reason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
} as const;
const warning = (message: string) => ({ type: 'warning', message }) as const;

/** A database whose pauses the test ends, and another program that may hold it. */
function shared(t: TestContext) {
  const file = join(temporaryFolder(t), 'a.db');
  const pausesMs: number[] = [];
  const paused: (() => void)[] = [];
  const log: string[] = [];
  const database = openDatabase(file, {
    after: (ms, callback) => {
      pausesMs.push(ms);
      paused.push(callback);
    },
    log: plainLogger((message) => log.push(message)),
    patienceMs: 10,
  });
  const other = new Libsql(file);
  let isOpen = true;
  const close = () => {
    if (isOpen) database.close();
    isOpen = false;
  };
  t.after(() => {
    close();
    other.close();
  });
  return {
    file,
    database,
    studies: createStudyTable(database),
    pausesMs,
    log,
    close,
    hold: () => other.exec('BEGIN EXCLUSIVE'),
    release: () => other.exec('ROLLBACK'),
    /** Waits until the queue has tried in vain, then ends its pause. */
    async tryAgain() {
      await until('a pause of the queue', () => paused.length > 0, { everyTurn: true });
      paused.shift()?.();
      await turn();
    },
  };
}

test('while it is held the thread is free, and what is appended waits; then all is written, in order', async (t) => {
  const { studies, database, hold, release, tryAgain, pausesMs } = shared(t);
  const first = await studies.insert(record, warning('first'));
  hold();
  const appended = [1, 2, 3].map((number) => studies.append('s-1', [warning(`${number}`)]));
  const order: string[] = [];
  for (const { events, written } of appended) void written.then(() => order.push(`event ${events[0]?.seq}`));
  for (let time = 0; time < 5; time++) {
    await tryAgain();
    order.push(`other work ${time}`);
    assert.deepEqual(studies.events('s-1'), [first], 'reading goes on, and sees what is written');
  }
  appended.push(studies.append('s-1', [warning('4')]));
  release();
  await tryAgain();
  await Promise.all(appended.map(({ written }) => written));
  assert.deepEqual(order, [
    ...[0, 1, 2, 3, 4].map((time) => `other work ${time}`),
    ...[2, 3, 4].map((seq) => `event ${seq}`),
  ]);
  assert.deepEqual(studies.events('s-1'), [first, ...appended.flatMap(({ events }) => events)]);
  assert.deepEqual(pausesMs.slice(0, 6), [25, 50, 100, 200, 400, 500], 'it is left alone ever longer, up to a limit');
  const [{ timeout }] = database.client.pragma('busy_timeout') as [{ timeout: number }];
  assert.ok(timeout > 0 && timeout <= 200, `SQLite itself blocks the thread for ${timeout} ms at most`);
});

test('after it was held for long the log says by whom, once, and when it is free again', async (t) => {
  const { file, studies, hold, release, tryAgain, log } = shared(t);
  await studies.insert(record, warning('first'));
  hold();
  const { written } = studies.append('s-1', [warning('second')]);
  for (let time = 0; time < 20; time++) await tryAgain();
  assert.deepEqual(log, [
    `${file} is locked by another program (a backup, an SQLite shell?): 1 writes wait for it, and studies with them. End that program`,
  ]);
  release();
  await tryAgain();
  await written;
  assert.deepEqual(log.slice(1), [`${file} is free again: what waited for it is written`]);
});

test('a pause begins short again after the database was free', async (t) => {
  const { studies, hold, release, tryAgain, pausesMs, log } = shared(t);
  for (let time = 0; time < 2; time++) {
    hold();
    const { written } = studies.append('s-1', [warning('x')]);
    written.catch(() => {});
    for (let attempt = 0; attempt < 3; attempt++) await tryAgain();
    release();
    await tryAgain();
    await written.catch(() => {});
  }
  assert.deepEqual(pausesMs, [25, 50, 100, 200, 25, 50, 100, 200]);
  assert.deepEqual(log, [], 'so short a while is not worth a word');
});

test('of several that are written together only the one that cannot be is refused', async (t) => {
  const { database, studies } = shared(t);
  const outcomes = await Promise.allSettled([
    studies.insert(record, warning('first')),
    studies.append('s-none', [warning('x')]).written,
    studies.append('s-1', [warning('second')]).written,
    database.write(() => assert.fail('its own fault')),
    studies.append('s-1', [warning('third')]).written,
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
  );
  assert.deepEqual(
    studies.events('s-1').map(({ seq, body }) => [seq, body]),
    [
      [1, warning('first')],
      [2, warning('second')],
      [3, warning('third')],
    ],
  );
});

test('what waits when it is closed is written then', async (t) => {
  const { file, studies, hold, release, close } = shared(t);
  const first = await studies.insert(record, warning('first'));
  hold();
  const { events, written } = studies.append('s-1', [warning('second')]);
  await turn();
  release();
  close();
  await written;
  const again = openDatabase(file);
  t.after(again.close);
  assert.deepEqual(createStudyTable(again).events('s-1'), [first, ...events]);
});

test('what cannot be written even then is refused, as is what comes later', async (t) => {
  const { database, studies, hold, close } = shared(t);
  await studies.insert(record, warning('first'));
  hold();
  const lost = studies.append('s-1', [warning('second')]).written;
  const refused = assert.rejects(lost, /a\.db was locked by another program until the coordinator ended/);
  close();
  await refused;
  await assert.rejects(
    database.write(() => {}),
    /a\.db is closed: nothing is written any more/,
  );
});

test('a database that is held opens, unless it has to be changed for that: then it is named, with what to do', (t) => {
  const { file, hold } = shared(t);
  hold();
  openDatabase(file, { patienceMs: 0 }).close();
  const next = { name: '0099-next', sql: 'CREATE TABLE extra (x TEXT)' };
  const open = () => openDatabase(file, { migrations: [...migrations, next], patienceMs: 0 });
  assert.throws(open, /a\.db is locked by another program .* end that program/);
});
