/** What every implementation of the repositories must do; the store's is the only one. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { type BenchView, benchRequestSchema, benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { type TunerEntry, tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import type { BenchRecord } from '../../../coordinator/bench/bench-repository.ts';
import type { DeviceRecord } from '../../../coordinator/fleet/device-repository.ts';
import type { JobRecord } from '../../../coordinator/fleet/job-repository.ts';
import { openStore, type Store } from '../../../coordinator/store/store.ts';
import type { StudyRecord } from '../../../coordinator/study/state/study-repository.ts';
import { boardDescription, measurementFor, measureRequest } from '../../support/fleet.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Runs the checks, then once more after the store was closed and opened again. */
function check(name: string, write: (store: Store) => Promise<void>, read: (store: Store) => void): void {
  test(name, async (t: TestContext) => {
    const directory = temporaryFolder(t);
    const first = openStore(directory);
    await write(first);
    read(first);
    first.close();
    const second = openStore(directory);
    t.after(() => second.close());
    read(second);
  });
}

const study = (id: string, change: Partial<StudyRecord> = {}): StudyRecord => ({
  id,
  name: 'a study',
  yaml: 'name: a study\n# Grüße\n',
  state: 'queued',
  reason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
  ...change,
});
const warning = (message: string): StudyEventBody => ({ type: 'warning', message });

check(
  'studies are listed newest first, changed and removed',
  async ({ studies }) => {
    for (const id of ['s-1', 's-2', 's-3']) await studies.insert(study(id), warning(`first of ${id}`));
    await studies.append('s-2', [warning('gone with its study')]).written;
    await studies.append('s-1', [warning('second')], { state: 'failed', reason: 'no device' }).written;
    await studies.append('s-1', [], { finishedAt: '2026-01-02T00:00:00.000Z' }).written;
    await studies.remove('s-2');
  },
  ({ studies }) => {
    const changed = study('s-1', { state: 'failed', reason: 'no device', finishedAt: '2026-01-02T00:00:00.000Z' });
    assert.deepEqual(studies.list(), [study('s-3'), changed]);
    assert.deepEqual(studies.events('s-2'), []);
    assert.deepEqual(
      studies.events('s-1').map(({ seq, body }) => [seq, body]),
      [
        [1, warning('first of s-1')],
        [2, warning('second')],
      ],
    );
  },
);

check(
  'events are numbered per study from 1 without gaps',
  async ({ studies }) => {
    const first = await studies.insert(study('s-1'), warning('first'));
    assert.equal((await studies.insert(study('s-2'), warning('first'))).seq, 1);
    const { events, written } = studies.append('s-1', [warning('a'), warning('b')]);
    await written;
    assert.deepEqual([first, ...events], studies.events('s-1'));
    assert.equal(studies.append('s-2', [warning('other')]).events[0]?.seq, 2);
    await studies.append('s-1', [warning('c')]).written;
    assert.deepEqual(studies.append('s-1', []).events, []);
  },
  ({ studies }) => {
    const events = studies.events('s-1');
    assert.deepEqual(
      events.map(({ seq, studyId, body }) => [seq, studyId, body]),
      [
        [1, 's-1', warning('first')],
        [2, 's-1', warning('a')],
        [3, 's-1', warning('b')],
        [4, 's-1', warning('c')],
      ],
    );
    assert.ok(events.every(({ at }) => new Date(at).toISOString() === at));
    assert.deepEqual(studies.events('s-1', 1, 1), [events[1]]);
    assert.deepEqual(studies.events('s-1', 4), []);
  },
);

check(
  'blobs that the events of a study name are known by their SHA-256',
  async ({ studies }) => {
    await studies.insert(study('s-1'), warning(`"${'a'.repeat(64)}" and ${'b'.repeat(64)}`));
    await studies.insert(study('s-2'), warning('c'.repeat(64)));
    await studies.append('s-1', [warning(`${'d'.repeat(63)} ${'d'.repeat(65)}`)]).written;
  },
  ({ studies }) => assert.deepEqual(studies.blobsNamed('s-1'), ['a'.repeat(64), 'b'.repeat(64)]),
);

test('events of a study that is not there are refused, and none of a failed batch is kept', async (t) => {
  const { studies, close } = openStore(temporaryFolder(t));
  t.after(close);
  await assert.rejects(studies.append('s-none', [warning('a')]).written, /FOREIGN KEY/);
  const first = await studies.insert(study('s-1'), warning('first'));
  const infinite = { type: 'trial-amended', trialId: 0, rung: 0, metrics: {}, violation: Infinity } as const;
  assert.throws(
    () => studies.append('s-1', [warning('a'), infinite], { state: 'running' }),
    /the event trial-amended is not written, as it could not be read again: violation: /,
  );
  await assert.rejects(studies.insert(study('s-3'), infinite), /is not written/);
  assert.deepEqual(studies.events('s-1'), [first]);
  assert.deepEqual(studies.list(), [study('s-1')]);
  await assert.rejects(studies.insert(study('s-1'), warning('twice')), /UNIQUE/);
  assert.deepEqual(studies.events('s-1'), [first]);
  assert.equal(studies.append('s-1', [warning('second')]).events[0]?.seq, 2, 'what was refused took no number');
});

test('what is appended together is numbered at once, and written in order', async (t) => {
  const { studies, jobs, close } = openStore(temporaryFolder(t));
  t.after(close);
  for (const id of ['s-1', 's-2']) await studies.insert(study(id), warning('first'));
  const all = Array.from({ length: 1200 }, (_, index) => {
    const id = `s-${1 + (index % 2)}`;
    return { id, ...studies.append(id, [warning(`${index}`), warning(`${index}, too`)]) };
  });
  assert.deepEqual(studies.events('s-1', 1), [], 'nothing is written in the same turn');
  assert.equal(all.at(-1)?.events[1]?.seq, 1201);
  const order: number[] = [];
  for (const [index, { written }] of all.entries()) void written.then(() => order.push(index));
  await jobs.written();
  assert.deepEqual(order, [...all.keys()]);
  for (const id of ['s-1', 's-2'])
    assert.deepEqual(
      studies.events(id, 1),
      all.filter((each) => each.id === id).flatMap(({ events }) => events),
    );
});

const stored = (id: string, change = {}) => ({
  ...measurementFor(measureRequest()),
  id,
  deviceId: 'd-000000000001',
  deviceName: 'kitchen-pi',
  studyId: null,
  deviceClass: 'pi5',
  ...change,
});

check(
  'measurements are found by architecture, class and scenario; one id is kept once',
  async ({ measurements }) => {
    await measurements.save(stored('m-1'));
    await measurements.save(stored('m-2', { deviceId: 'd-000000000002' }));
    await measurements.save(stored('m-3', { deviceClass: 'pi4' }));
    await measurements.save(stored('m-4', { signature: 'other' }));
    await measurements.save(stored('m-5', { scenario: { kind: 'offline' } }));
    await measurements.save(stored('m-1', { deviceName: 'renamed' }));
  },
  ({ measurements }) => {
    const query = { signature: 'signature-a', deviceClass: 'pi5', scenarioKey: scenarioKey({ kind: 'single-stream' }) };
    assert.deepEqual(measurements.find(query), [
      stored('m-1', { deviceName: 'renamed' }),
      stored('m-2', { deviceId: 'd-000000000002' }),
    ]);
    assert.deepEqual(measurements.find({ ...query, deviceClass: 'pi3' }), []);
    assert.deepEqual(
      measurements.recent?.({ ...query, limit: 2 }).map(({ id }) => id),
      ['m-4', 'm-2'],
      'the latest first, of any architecture',
    );
    assert.deepEqual(measurements.get('m-5'), stored('m-5', { scenario: { kind: 'offline' } }));
    assert.equal(measurements.get('m-9'), null);
  },
);

const device = (id: string, name: string, change: Partial<DeviceRecord> = {}): DeviceRecord => ({
  id,
  name,
  addedAt: '2026-01-01T00:00:00.000Z',
  joinedAt: null,
  lastSeenAt: null,
  board: null,
  credentialHash: null,
  ...change,
});
const token = (tokenHash: string, deviceId: string) => ({ tokenHash, deviceId, expiresAt: '2026-01-01', usedAt: null });

check(
  'devices join by a token once; a new token voids the unused ones',
  async ({ devices }) => {
    await devices.insert(device('d-2', 'second'));
    await devices.insert(device('d-1', 'first'));
    await devices.insert(device('d-3', 'third'));
    await assert.rejects(devices.insert(device('d-4', 'first')), /UNIQUE/);
    await devices.insertToken(token('t-old', 'd-1'));
    await devices.insertToken(token('t-new', 'd-1'));
    await devices.insertToken(token('t-3', 'd-3'));
    await devices.join('t-new', {
      id: 'd-1',
      board: boardDescription(),
      credentialHash: 'hash',
      joinedAt: '2026-01-02',
    });
    await devices.update('d-2', { name: 'renamed' });
    await devices.update('d-2', {});
    await devices.remove(device('d-3', 'third'), '2026-01-03');
    await devices.remove(device('d-3', 'third'), '2026-01-04');
  },
  ({ devices }) => {
    assert.deepEqual(devices.list(), [
      device('d-2', 'renamed'),
      device('d-1', 'first', { board: boardDescription(), credentialHash: 'hash', joinedAt: '2026-01-02' }),
    ]);
    assert.deepEqual(['d-1', 'd-3', 'd-4'].map(devices.wasRemoved), [false, true, false]);
    assert.equal(devices.token('t-old'), null);
    assert.equal(devices.token('t-3'), null);
    assert.deepEqual(devices.token('t-new'), { ...token('t-new', 'd-1'), usedAt: '2026-01-02' });
  },
);

const job = (id: string, change: Partial<JobRecord> = {}): JobRecord => ({
  id,
  deviceId: 'd-1',
  studyId: 's-1',
  request: measureRequest(),
  state: 'queued',
  attempt: 1,
  leaseToken: 'lease',
  reason: null,
  createdAt: '2026-01-01',
  updatedAt: '2026-01-01',
  ...change,
});

check(
  'jobs are journalled; finished ones are forgotten after a while',
  async ({ devices, jobs }) => {
    await devices.insert(device('d-1', 'first'));
    for (const id of ['j-3', 'j-1', 'j-2']) await jobs.insert(job(id));
    await jobs.insert(job('j-old', { state: 'failed', updatedAt: '2025-01-01' }));
    await jobs.insert(job('j-old-but-open', { state: 'running', updatedAt: '2025-01-01' }));
    await jobs.update('j-1', { state: 'succeeded', updatedAt: '2026-01-02' });
    await jobs.update('j-2', {
      state: 'sent',
      attempt: 2,
      leaseToken: 'next',
      reason: 'lost',
      updatedAt: '2026-01-03',
    });
    assert.equal(await jobs.prune('2025-06-01'), 1);
  },
  ({ jobs }) => {
    assert.deepEqual(
      jobs.unfinished().map(({ id }) => id),
      ['j-3', 'j-2', 'j-old-but-open'],
    );
    const changed = { state: 'sent', attempt: 2, leaseToken: 'next', reason: 'lost', updatedAt: '2026-01-03' } as const;
    assert.deepEqual(jobs.get('j-2'), job('j-2', changed));
    assert.equal(jobs.get('j-1')?.state, 'succeeded');
    assert.equal(jobs.get('j-old'), null);
  },
);

const tunerSpec = tunerSpecSchema.parse({ space: { training: { augment: { type: 'boolean' } } } });
const tunerTell = (trial: number): TunerEntry => ({
  tell: { trial, rung: 0, metrics: { accuracy: null }, cost: { seconds: 1, joules: 0 } },
});

const bench = (id: string, change: Partial<BenchView> = {}): BenchRecord => {
  const view = benchViewSchema.parse({
    id,
    state: 'running',
    modelName: 'a.onnx',
    modelSha256: 'a'.repeat(64),
    modelBytes: 10,
    signature: 'signature-a',
    precision: 'float32',
    scenario: { kind: 'single-stream' },
    objectives: [],
    constraints: [],
    dimensions: {},
    int8: null,
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: null,
    devices: [],
    ...change,
  });
  const asked = benchRequestSchema.parse({ modelSha256: view.modelSha256, devices: ['kitchen-pi'] });
  const { shapes: _, inputValues: __, ...request } = asked;
  return { request: { ...request, batchSizes: [1], precisions: ['float32'], dimensions: {} }, view };
};

check(
  'benches are kept with what was asked, newest first, replaced in place and removed',
  async ({ benches }) => {
    for (const id of ['b-2', 'b-1', 'b-3']) await benches.save(bench(id));
    const int8 = { modelSha256: 'c'.repeat(64), modelBytes: 5, signature: 'signature-b' };
    await benches.save(bench('b-2', { state: 'finished', modelSha256: 'b'.repeat(64), int8 }));
    await benches.remove('b-3');
    await benches.remove('b-9');
  },
  ({ benches }) => {
    const int8 = { modelSha256: 'c'.repeat(64), modelBytes: 5, signature: 'signature-b' };
    const changed = bench('b-2', { state: 'finished', modelSha256: 'b'.repeat(64), int8 });
    assert.deepEqual(benches.list(), [bench('b-1'), changed]);
    assert.deepEqual(benches.get('b-2'), changed);
    assert.equal(benches.get('b-3'), null);
    assert.deepEqual(benches.models().sort(), ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)]);
  },
);

check(
  'tuners are kept with their journals, newest first, and removed with them',
  async ({ tuners }) => {
    const createdAt = '2026-01-01T00:00:00.000Z';
    for (const id of ['t-1', 't-2']) await tuners.insert({ id, createdAt, spec: tunerSpec });
    await tuners.insert({ id: 't-3', createdAt, spec: { ...tunerSpec, name: 'mine' } });
    await tuners.append('t-1', [tunerTell(0)], { state: 'finished', trials: 7 });
    await tuners.append('t-2', [tunerTell(1), tunerTell(2)]);
    await tuners.append('t-1', [tunerTell(3)]);
    await tuners.append('t-2', []);
    assert.equal(await tuners.remove('t-2'), true);
    assert.equal(await tuners.remove('t-9'), false);
  },
  ({ tuners }) => {
    assert.deepEqual(
      tuners.list().map(({ id, name, state, trials }) => [id, name, state, trials]),
      [
        ['t-3', 'mine', 'running', 0],
        ['t-1', null, 'finished', 7],
      ],
    );
    assert.deepEqual(tuners.get('t-1')?.spec, tunerSpec);
    assert.equal(tuners.get('t-2'), null);
    assert.deepEqual(tuners.entries('t-1'), [tunerTell(0), tunerTell(3)]);
    assert.deepEqual(tuners.entries('t-2'), []);
  },
);
