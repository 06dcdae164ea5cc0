/** A study that cannot be read stands still, says why, and stops nothing else. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { StudyStateError } from '../../../coordinator/study/state/study-errors.ts';
import { damage } from '../../support/damage.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { untilAborted } from '../../support/waiting.ts';
import { fakeTraining, studyService, untilState } from './support/fakes.ts';

const yaml = (name: string) => `name: ${name}
dataset: {format: synthetic-images}
devices: [pi, orin]
budget: {minEpochs: 1, maxEpochs: 2, minDataFraction: 1}
stop: {trials: 2}
`;

/** Three studies, the last of which has yet to be run, in a database that was damaged while no coordinator ran. */
async function damagedStudies(t: TestContext, sql: (id: string) => string) {
  const directory = temporaryFolder(t);
  const stuck = fakeTraining({
    beforeTraining: ({ signal }) => untilAborted(signal),
  });
  const before = studyService({ directory });
  const { id: damagedId } = await before.service.create(yaml('damaged'));
  await untilState(before.service, damagedId, 'succeeded', 'failed');
  const { id: wholeId } = await before.service.create(yaml('whole'));
  await untilState(before.service, wholeId, 'succeeded', 'failed');
  await before.close();
  const stopped = studyService({ directory, training: stuck.service });
  const { id: runningId } = await stopped.service.create(yaml('running'));
  await stopped.close();
  damage(directory, sql(damagedId));
  const log: string[] = [];
  const { service, store, close } = studyService({ directory, log: (message) => log.push(message) });
  t.after(close);
  service.start();
  return { service, store, log, damagedId, wholeId, runningId };
}

const afterEvent = (id: string, seq: number, what: string) =>
  `UPDATE study_events SET ${what} WHERE study_id = '${id}' AND seq = ${seq}`;

for (const [what, sql, reason] of [
  [
    'whose row is damaged',
    (id: string) => `UPDATE studies SET state = 'x' WHERE id = '${id}'`,
    /^its row in the database/,
  ],
  ['of which an event is damaged', (id: string) => afterEvent(id, 3, "body = '{'"), /^its event 3 cannot be read/],
  [
    'that lacks an event',
    (id: string) => `DELETE FROM study_events WHERE study_id = '${id}' AND seq = 4`,
    /^its event 4 is missing/,
  ],
  [
    'whose coordinator ended between its row and its first event, as it could once',
    (id: string) =>
      `DELETE FROM study_events WHERE study_id = '${id}'; UPDATE studies SET state = 'queued' WHERE id = '${id}'`,
    /^it has no events: a coordinator ended while it was being made/,
  ],
  [
    'that does not begin with its making',
    (id: string) => afterEvent(id, 1, `body = '{"type": "warning", "message": "x"}', version = 1`),
    /^its first event is "warning", not its making/,
  ],
  [
    'whose events contradict each other',
    (id: string) => afterEvent(id, 2, `body = '{"type": "training-failed", "trialId": 77, "rung": 0, "reason": "x"}'`),
    /trial 77 before it was asked/,
  ],
] as const)
  describe(`a study ${what}`, () => {
    it('is set aside with the reason and what to do; the others are there, and go on', async (t) => {
      const { service, log, damagedId, wholeId, runningId } = await damagedStudies(t, sql);
      const [aside, ...more] = service.setAside();
      assert.deepEqual([aside?.id, aside?.name, more.length], [damagedId, 'damaged', 0]);
      assert.match(aside?.reason ?? '', reason);
      const remedy = `Remove it (edgetune study remove ${damagedId}), or stop the coordinator and put back a copy`;
      assert.ok(aside?.reason.includes(remedy), aside?.reason);
      assert.ok(
        log.some(
          (line) => line.startsWith(`study "damaged" cannot be read and is set aside: `) && line.includes(remedy),
        ),
        log.join('\n'),
      );
      assert.deepEqual(new Set(service.list().map(({ id }) => id)), new Set([wholeId, runningId]));
      assert.equal(service.find('whole')?.state, 'succeeded');
      const study = await untilState(service, runningId, 'succeeded', 'failed');
      assert.equal(study.state, 'succeeded', study.reason ?? '');
    });
  });

describe('a study that was set aside', () => {
  const gap = (id: string) => `DELETE FROM study_events WHERE study_id = '${id}' AND seq = 4`;

  it('is refused to who asks for it or wants something of it', async (t) => {
    const { service, damagedId } = await damagedStudies(t, gap);
    for (const name of [damagedId, 'damaged'])
      assert.throws(
        () => service.find(name),
        (error) =>
          error instanceof StudyStateError &&
          /study "damaged" cannot be read: its event 4 is missing/.test(error.message),
      );
    await assert.rejects(service.stop(damagedId), StudyStateError);
    await assert.rejects(service.resume(damagedId), StudyStateError);
  });

  it('can be removed, by name too, and is gone for good', async (t) => {
    const { service, store, damagedId } = await damagedStudies(t, gap);
    assert.equal(await service.remove('damaged'), true);
    assert.equal(await service.remove('damaged'), false);
    assert.deepEqual(service.setAside(), []);
    assert.equal(service.find(damagedId), null);
    assert.ok(!store.studies.list().some(({ id }) => id === damagedId));
  });

  it('keeps its blobs, as it may be mended', async (t) => {
    const { service, store, damagedId, wholeId } = await damagedStudies(t, gap);
    const named = store.studies.blobsNamed(damagedId);
    const kept: ReadonlySet<string>[] = [];
    store.blobs.collect = async (inUse) => {
      kept.push(inUse);
      return 0;
    };
    await service.remove(wholeId);
    assert.ok(named.length > 0 && named.every((sha256) => kept[0]?.has(sha256)));
    await service.remove(damagedId);
    assert.ok(!named.every((sha256) => kept.at(-1)?.has(sha256)));
  });
});
