import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StudyEvent, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { StudyRecord } from '../../../coordinator/study/state/study-repository.ts';
import { StudyLog } from '../../../coordinator/study/study-log.ts';
import { Arrival, turn } from '../../support/waiting.ts';

const [FIRST, SECOND] = ['a'.repeat(64), 'b'.repeat(64)] as const;
const at = '2026-01-01T00:00:00.000Z';
const warning = (message: string): StudyEventBody => ({ type: 'warning', message });
const state = (to: StudyRecord['state'], reason: string | null = null): StudyEventBody => ({
  type: 'study-state',
  state: to,
  reason,
});
const asked: StudyEventBody = {
  ...{ type: 'trial-asked', ask: 0, trialId: 0, rung: 0, bracket: 0, candidate: {}, proposedBy: 'initial' },
  budget: { epochs: 1, dataFraction: 1 },
};
const trained = (checkpointSha256: string): StudyEventBody => ({
  ...{ type: 'training-finished', trialId: 0, rung: 0, metrics: {}, checkpointSha256 },
  ...{ seconds: 1, cpuSeconds: 1, energyJ: 1, energySource: 'estimate' },
});

/** A log over a store that writes, or fails to, when the test says so. */
function logUnderTest() {
  const onDisk: StudyEvent[] = [];
  const waiting: { events: StudyEvent[]; outcome: Arrival<Error | null> }[] = [];
  const changes: object[] = [];
  const told: string[] = [];
  const lost: string[] = [];
  const faults: unknown[] = [];
  const reading = { fails: false };
  let lastSeq = 0;
  const record: StudyRecord = {
    id: 's-1',
    name: 'n',
    yaml: '',
    state: 'queued',
    reason: null,
    createdAt: at,
    finishedAt: null,
  };
  const onWritten = { call: (event: StudyEvent) => void told.push(`${event.seq} ${event.body.type}`) };
  const log = new StudyLog({
    studies: {
      append(studyId, bodies, change = {}) {
        changes.push(change);
        const events = bodies.map((body): StudyEvent => ({ seq: ++lastSeq, studyId, at, body }));
        const outcome = new Arrival<Error | null>('the store');
        waiting.push({ events, outcome });
        const written = outcome.wait().then((error) => {
          if (error) throw error;
        });
        return { events, written };
      },
      events: () => {
        if (reading.fails) throw new Error('the disk cannot be read');
        return onDisk;
      },
    },
    record,
    events: [],
    onWritten: (event) => onWritten.call(event),
    onLost: (error) => lost.push(error.message),
    onFault: (error) => faults.push(error),
  });
  return {
    ...{ log, record, changes, told, lost, faults, onWritten, reading },
    async write() {
      const next = waiting.shift();
      onDisk.push(...(next?.events ?? []));
      next?.outcome.come(null);
      await turn();
    },
    async fail(message: string) {
      waiting.shift()?.outcome.come(new Error(message));
      lastSeq = onDisk.length;
      await turn();
    },
  };
}

const never = new AbortController().signal;

describe("a study's log", () => {
  it('counts events at once, and tells of them in order when they are written', async () => {
    const { log, write, told } = logUnderTest();
    log.emit(warning('one'), warning('two'));
    log.emit(warning('three'));
    assert.deepEqual([log.state.warnings, log.state.lastSeq, told], [['one', 'two', 'three'], 3, []]);
    await write();
    assert.deepEqual(told, ['1 warning', '2 warning']);
    await write();
    assert.deepEqual(told.slice(2), ['3 warning']);
  });

  it('changes the record with its state, and notes when it ended', () => {
    const { log, record, changes } = logUnderTest();
    log.emit(warning('x'));
    log.emit(state('running'));
    assert.deepEqual([record.state, record.finishedAt], ['running', null]);
    log.emit(state('failed', 'no data'));
    assert.deepEqual([record.state, record.reason], ['failed', 'no data']);
    assert.ok(Date.parse(record.finishedAt ?? '') > 0);
    assert.deepEqual(changes.slice(0, 2), [{}, { state: 'running', reason: null, finishedAt: null }]);
    assert.deepEqual(changes[2], { state: 'failed', reason: 'no data', finishedAt: record.finishedAt });
  });

  it('is written when everything that was emitted before is', async () => {
    const { log, write } = logUnderTest();
    await log.written(never);
    log.emit(warning('one'));
    log.emit(warning('two'));
    let isWritten = false;
    void log.written(never).then(() => (isWritten = true));
    await write();
    assert.equal(isWritten, false);
    await write();
    assert.equal(isWritten, true);
  });

  it('does not keep waiting who is aborted', async () => {
    const { log } = logUnderTest();
    log.emit(warning('one'));
    const controller = new AbortController();
    const waiting = assert.rejects(log.written(controller.signal), /no longer/);
    controller.abort(new Error('no longer'));
    await waiting;
    await assert.rejects(log.written(controller.signal), /no longer/);
  });

  it('needs a checkpoint until what supersedes it is written', async () => {
    const { log, write } = logUnderTest();
    log.emit(asked);
    log.emit(trained(FIRST));
    await write();
    await write();
    assert.deepEqual(log.blobsNeeded(), [FIRST]);
    log.emit(warning('x'));
    assert.deepEqual(log.blobsNeeded(), [FIRST], 'a warning lets nothing go');
    await write();
    log.emit(trained(SECOND));
    assert.deepEqual(log.blobsNeeded(), [SECOND, FIRST]);
    await write();
    assert.deepEqual(log.blobsNeeded(), [SECOND]);
    log.emit(state('succeeded'));
    assert.deepEqual(log.blobsNeeded(), [SECOND]);
    await write();
    assert.deepEqual(log.blobsNeeded(), [], 'nothing was recommended');
  });

  it('goes back to what is on the disk when something is lost, and says so once', async () => {
    const { log, write, fail, told, lost } = logUnderTest();
    log.emit(warning('kept'));
    await write();
    log.emit(warning('lost'));
    log.emit(warning('lost with it'));
    const before = log.state;
    const waiting = assert.rejects(log.written(never), /a consequence/);
    await fail('the disk is full');
    await fail('a consequence');
    await waiting;
    assert.deepEqual(lost, ['the disk is full']);
    assert.notEqual(log.state, before);
    assert.deepEqual([log.state.warnings, log.state.lastSeq], [['kept'], 1]);
    log.emit(warning('anew'));
    await write();
    assert.deepEqual(
      [log.state.warnings, told],
      [
        ['kept', 'anew'],
        ['1 warning', '2 warning'],
      ],
    );
    log.emit(warning('lost again'));
    await fail('full again');
    assert.deepEqual(lost, ['the disk is full', 'full again']);
  });

  it('says that something is lost also where the rest cannot be read at the moment', async () => {
    const { log, fail, lost, faults, reading } = logUnderTest();
    log.emit(warning('lost'));
    reading.fails = true;
    await fail('the disk is full');
    assert.deepEqual(lost, ['the disk is full']);
    assert.deepEqual(faults.map(String), ['Error: the disk cannot be read']);
  });

  it('keeps what a listener throws from whoever emits', async () => {
    const { log, write, onWritten, faults, lost } = logUnderTest();
    onWritten.call = () => {
      throw new Error('a broken page');
    };
    log.emit(warning('x'));
    await write();
    await log.written(never);
    assert.deepEqual(faults.map(String), ['Error: a broken page']);
    assert.deepEqual(lost, []);
  });
});
