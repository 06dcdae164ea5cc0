/** The disk is full: what has happened waits in its order until there is space, what a person asks is refused at once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { Troubles } from '../../../coordinator/lifecycle/troubles.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createStudyTable } from '../../../coordinator/store/study-table.ts';
import { createTunerTable } from '../../../coordinator/store/tuner-table.ts';
import type { StudyRecord } from '../../../coordinator/study/state/study-repository.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn, until } from '../../support/waiting.ts';

const record: StudyRecord = {
  ...{ id: 's-1', name: 'n', yaml: '', state: 'queued', reason: null },
  ...{ createdAt: '2026-01-01T00:00:00.000Z', finishedAt: null },
};
const warning = (message: string) => ({ type: 'warning', message }) as const;
/** More than the database has room for when it is full. */
const large = (letter = 'x') => warning(letter.repeat(200_000));
const HUGE_PAGES = 1e9;

/** A database whose pauses the test ends, on a disk that it fills. */
async function onSmallDisk(t: TestContext) {
  const file = join(temporaryFolder(t), 'a.db');
  const paused: { ms: number; callback: () => void }[] = [];
  const log: string[] = [];
  const troubles = new Troubles();
  const said: (string | null)[] = [];
  troubles.subscribe(() => said.push(troubles.current()?.message ?? null));
  const database = openDatabase(file, {
    after: (ms, callback) => void paused.push({ ms, callback }),
    log: plainLogger((message) => log.push(message)),
    patienceMs: 10,
    troubles,
  });
  let isOpen = true;
  const close = () => {
    if (isOpen) database.close();
    isOpen = false;
  };
  t.after(close);
  const studies = createStudyTable(database);
  const first = await studies.insert(record, warning('first'));
  return {
    ...{ file, database, studies, first, paused, log, troubles, said, close },
    fill: () => void database.client.pragma('max_page_count=1'),
    makeSpace: () => void database.client.pragma(`max_page_count=${HUGE_PAGES}`),
    /** Waits until the queue has tried in vain, then ends its pause. */
    async tryAgain() {
      await until('a pause of the queue', () => paused.length > 0, { everyTurn: true });
      const { ms, callback } = paused.shift() as (typeof paused)[number];
      callback();
      await turn();
      return ms;
    },
  };
}

const FULL = /^the disk is full: .*a\.db could not be written\. Free some space/;
const isFull = (error: unknown) => error instanceof NotWrittenError && error.because === 'disk-full';

describe('while the disk is full', () => {
  it('events wait in their order, are tried ever less often, and are written when there is space', async (t) => {
    const { studies, first, fill, makeSpace, tryAgain } = await onSmallDisk(t);
    fill();
    const appended = [studies.append('s-1', [large()], { state: 'running' })];
    const pausesMs: number[] = [];
    for (let time = 0; time < 9; time++) {
      pausesMs.push(await tryAgain());
      appended.push(studies.append('s-1', [warning(`${time}`)]));
    }
    assert.deepEqual(pausesMs, [25, 50, 100, 200, 400, 800, 1600, 2000, 2000]);
    assert.deepEqual([studies.list(), studies.events('s-1')], [[record], [first]], 'none of it is there');
    makeSpace();
    await tryAgain();
    await Promise.all(appended.map(({ written }) => written));
    assert.deepEqual(studies.events('s-1'), [first, ...appended.flatMap(({ events }) => events)]);
    assert.deepEqual(studies.list(), [{ ...record, state: 'running' }]);
    fill();
    const next = studies.append('s-1', [large('y')]).written;
    assert.equal(await tryAgain(), 25, 'a pause begins short again');
    makeSpace();
    await tryAgain();
    await next;
  });

  it('the log says it once, and when it is over; whoever shows it hears of it', async (t) => {
    const { file, studies, fill, makeSpace, tryAgain, log, troubles, said } = await onSmallDisk(t);
    fill();
    const { written } = studies.append('s-1', [large()]);
    for (let time = 0; time < 5; time++) await tryAgain();
    assert.match(troubles.current()?.message ?? '', FULL);
    assert.deepEqual([log.length, said.length], [1, 1]);
    assert.match(
      log[0] ?? '',
      /^the disk is full: .* 1 writes wait for it, and studies with them: they go on by themselves$/,
    );
    makeSpace();
    await tryAgain();
    await written;
    assert.deepEqual(log.slice(1), [`${file} can be written again: what waited for it is written`]);
    assert.deepEqual([troubles.current(), said.at(-1)], [null, null]);
  });

  it('what a person asks is refused at once, though others wait, and not when there is space again', async (t) => {
    const { database, studies, fill, makeSpace, tryAgain, paused } = await onSmallDisk(t);
    fill();
    const { written } = studies.append('s-1', [large()]);
    const together = studies.insert({ ...record, id: 's-2' }, large());
    await assert.rejects(together, isFull);
    await tryAgain();
    await until('the queue to pause', () => paused.length > 0, { everyTurn: true });
    // The pause is not waited for.
    await assert.rejects(studies.insert({ ...record, id: 's-2' }, large()), isFull);
    assert.equal(database.failures(), 0, 'nothing is lost of what has happened');
    makeSpace();
    await studies.insert({ ...record, id: 's-3' }, large());
    await written;
    assert.deepEqual(
      studies.list().map(({ id }) => id),
      ['s-3', 's-1'],
    );
  });

  it('who waits until all is written does not go on because somebody was refused', async (t) => {
    const { database, studies, fill, makeSpace, tryAgain } = await onSmallDisk(t);
    fill();
    const { written } = studies.append('s-1', [large()]);
    const refused = assert.rejects(studies.insert({ ...record, id: 's-2' }, large()), isFull);
    let isWritten = false;
    const all = database.written()?.then(() => (isWritten = true));
    await refused;
    await turn();
    assert.equal(isWritten, false);
    makeSpace();
    await tryAgain();
    await Promise.all([written, all]);
    assert.equal(isWritten, true);
  });

  it('what fails by itself is refused, and says nothing of the disk', async (t) => {
    const { studies, database, fill, makeSpace, tryAgain, log, troubles } = await onSmallDisk(t);
    fill();
    const { written } = studies.append('s-1', [large()]);
    const refused = assert.rejects(studies.append('s-none', [warning('x')]).written, /FOREIGN KEY/);
    for (let time = 0; time < 3; time++) await tryAgain();
    assert.ok(troubles.current());
    assert.equal(log.length, 1);
    makeSpace();
    await tryAgain();
    await Promise.all([written, refused]);
    assert.equal(database.failures(), 1);
  });

  it('what fits is written before what does not, as long as the order stays', async (t) => {
    const { studies, fill, first, tryAgain } = await onSmallDisk(t);
    fill();
    const appended = [warning('small'), large(), warning('after it')].map((body) => studies.append('s-1', [body]));
    for (const { written } of appended) written.catch(() => {});
    await tryAgain();
    await appended[0]?.written;
    assert.deepEqual(studies.events('s-1'), [first, ...(appended[0]?.events ?? [])]);
  });

  it('what a program has trained and told waits; what it only asks is refused', async (t) => {
    const { database, fill, makeSpace, tryAgain } = await onSmallDisk(t);
    const tuners = createTunerTable(database);
    const spec = { parameters: 'of the problem' } as never;
    await tuners.insert({ id: 't-1', createdAt: record.createdAt, spec });
    fill();
    const ask = { ask: { trial: 1, candidate: { text: 'x'.repeat(200_000) } } } as never;
    const tell = { tell: { trial: 1, rung: 0, metrics: {}, failed: 'x'.repeat(200_000) } } as never;
    await assert.rejects(tuners.append('t-1', [ask]), isFull);
    const told = tuners.append('t-1', [ask, tell]);
    await tryAgain();
    makeSpace();
    await tryAgain();
    await told;
    const rows = database.client.prepare('SELECT entry FROM tuner_entries').all() as { entry: string }[];
    assert.deepEqual(
      rows.map(({ entry }) => Object.keys(JSON.parse(entry))),
      [['ask'], ['tell']],
    );
  });
});

describe('a disk that is full when the coordinator ends', () => {
  it('refuses what waits with that reason; what was written before is there at the next start', async (t) => {
    const { file, studies, first, fill, tryAgain, close, troubles } = await onSmallDisk(t);
    fill();
    const { written } = studies.append('s-1', [large()]);
    const refused = assert.rejects(written, isFull);
    await tryAgain();
    close();
    await refused;
    assert.equal(troubles.current(), null);
    const again = openDatabase(file);
    t.after(again.close);
    assert.deepEqual(createStudyTable(again).events('s-1'), [first]);
  });
});
