/** A row that cannot be read is named, and takes no other one with it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { openStore, type Store } from '../../../coordinator/store/store.ts';
import { damage } from '../../support/damage.ts';
import { boardDescription, measureRequest } from '../../support/fleet.ts';
import { storedMeasurement } from '../../support/measurement.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const createdAt = '2026-01-01T00:00:00.000Z';
const study = (id: string) =>
  ({ id, name: `name of ${id}`, yaml: '', state: 'queued', reason: null, createdAt, finishedAt: null }) as const;
const warning = (message: string): StudyEventBody => ({ type: 'warning', message });

/** A store that was filled, damaged by SQL, and opened again; what it says goes to `log`. */
function damaged(t: TestContext, fill: (store: Store) => void, sql: string): Store & { log: string[] } {
  const directory = temporaryFolder(t);
  const before = openStore(directory);
  fill(before);
  before.close();
  damage(directory, sql);
  const log: string[] = [];
  const store = openStore(directory, { log: plainLogger((message) => log.push(message)) });
  t.after(() => store.close());
  return { ...store, log };
}

function twoStudies({ studies }: Store): void {
  for (const id of ['s-1', 's-2']) {
    studies.insert(study(id), warning('first'));
    studies.append(id, [warning('second'), warning('third')]);
  }
}

const eventsOf = (store: Store, id: string) => store.studies.events(id).map(({ body }) => body);
const ALL = [warning('first'), warning('second'), warning('third')];

for (const [what, sql, message] of [
  ['is not JSON', 'body = \'{"type": "warn\'', /^its event 2 cannot be read \(it is not JSON\)$/],
  ['is JSON and no object', "body = '7'", /^its event 2 cannot be read \(type: /],
  ['is of no known kind', 'body = \'{"type": "miracle"}\'', /^its event 2 cannot be read \(type: /],
  ['lacks what its kind has', 'body = \'{"type": "warning"}\'', /^its event 2 cannot be read \(message: /],
  ['has no time', "at = 'yesterday'", /^its event 2 cannot be read \(at: /],
  ['is of version 0', 'version = 0', /^its event 2 cannot be read \(version: /],
  [
    'is of a newer version',
    'version = 2',
    /^its event 2 cannot be read \(warning, version 2: a newer EdgeTune has written it; update EdgeTune/,
  ],
  ['has another number', 'seq = 9', /^its event 2 is missing$/],
] as const)
  test(`an event that ${what} is named; another study's are read`, (t) => {
    const store = damaged(t, twoStudies, `UPDATE study_events SET ${sql} WHERE study_id = 's-1' AND seq = 2`);
    assert.throws(() => store.studies.events('s-1'), { message });
    assert.deepEqual(eventsOf(store, 's-2'), ALL);
  });

test('a gap is found also by who asks for the events after some', (t) => {
  const store = damaged(t, twoStudies, "DELETE FROM study_events WHERE study_id = 's-1' AND seq = 2");
  assert.throws(() => store.studies.events('s-1', 1), { message: 'its event 2 is missing' });
  assert.deepEqual(
    store.studies.events('s-1', 2).map(({ seq }) => seq),
    [3],
  );
});

test('a study whose row cannot be read is listed with the reason, and can be removed', async (t) => {
  const store = damaged(t, twoStudies, "UPDATE studies SET state = 'confused' WHERE id = 's-1'");
  const [second, first] = store.studies.list();
  assert.deepEqual(second, study('s-2'));
  assert.ok(first && 'problem' in first);
  assert.deepEqual([first.id, first.name, first.createdAt], ['s-1', 'name of s-1', createdAt]);
  assert.match(first.problem, /^its row in the database cannot be read \(state: /);
  await store.studies.remove('s-1');
  assert.deepEqual(store.studies.list(), [study('s-2')]);
});

test('a measurement that cannot be read is left out, and named once', (t) => {
  const fill = ({ measurements }: Store) => {
    for (const id of ['m-1', 'm-2']) measurements.save(storedMeasurement({ id, deviceClass: 'pi5' }));
  };
  const sql = "UPDATE measurements SET measurement = json_set(measurement, '$.outcome', 'fine') WHERE id = 'm-1'";
  const { measurements, log } = damaged(t, fill, sql);
  const query = { deviceClass: 'pi5', scenarioKey: 'single-stream' };
  for (let turn = 0; turn < 2; turn++) {
    assert.deepEqual(
      measurements.find({ ...query, signature: 'signature-a' }).map(({ id }) => id),
      ['m-2'],
    );
    assert.deepEqual(
      measurements.recent?.({ ...query, limit: 9 }).map(({ id }) => id),
      ['m-2'],
    );
  }
  assert.equal(measurements.get('m-1'), null);
  assert.equal(log.length, 1);
  assert.match(log[0] ?? '', /^measurement m-1 cannot be read and is left out; .* \(measurement\.outcome: /);
});

const device = (id: string) => ({
  ...{ id, name: `name-of-${id}`, addedAt: createdAt, joinedAt: createdAt, lastSeenAt: null, credentialHash: 'hash' },
  board: boardDescription(),
});
function twoDevices({ devices }: Store): void {
  for (const id of ['d-1', 'd-2']) devices.insert(device(id));
}

test('a device whose board cannot be read stays a member: its agent will tell again what it is', (t) => {
  const store = damaged(t, twoDevices, "UPDATE devices SET board = '{}' WHERE id = 'd-1'");
  assert.deepEqual(store.devices.list(), [{ ...device('d-1'), board: null }, device('d-2')]);
  assert.match(store.log[0] ?? '', /^the board of device d-1 cannot be read and is left out; .* \(board\.model: /);
});

test('a job that cannot be read is left out', (t) => {
  const fill = (store: Store) => {
    twoDevices(store);
    for (const id of ['j-1', 'j-2'])
      store.jobs.insert({
        ...{ id, deviceId: 'd-1', studyId: null, request: measureRequest(), state: 'running', attempt: 1 },
        ...{ leaseToken: 'lease', reason: null, createdAt, updatedAt: createdAt },
      });
  };
  const { jobs, log } = damaged(t, fill, "UPDATE jobs SET request = '[]' WHERE id = 'j-1'");
  assert.deepEqual(
    jobs.unfinished().map(({ id }) => id),
    ['j-2'],
  );
  assert.equal(jobs.get('j-1'), null);
  assert.match(log.join(), /^job j-1 cannot be read and is left out/);
});

test('a bench that cannot be read is left out', (t) => {
  const view = (id: string) =>
    `('${id}', '{}', '{"id": "${id}", "modelSha256": "${'a'.repeat(64)}", "int8": null, "state": "running"}')`;
  const { benches, log } = damaged(t, () => {}, `INSERT INTO benches (id, request, view) VALUES ${view('b-1')}`);
  assert.deepEqual(benches.list(), []);
  assert.equal(benches.get('b-1'), null);
  assert.deepEqual(benches.models(), ['a'.repeat(64)], 'its model is kept');
  assert.match(log.join(), /^bench b-1 cannot be read and is left out/);
});

test('a bench whose row is cut off takes no other one with it, and what it names is kept', (t) => {
  const whole = `'{"modelSha256": "${'b'.repeat(64)}", "int8": {"modelSha256": "${'c'.repeat(64)}"}}'`;
  const cut = `'{"modelSha256": "${'a'.repeat(64)}", "int8": nu'`;
  const sql = `INSERT INTO benches (id, request, view) VALUES ('b-1', '{}', ${cut}), ('b-2', '{}', ${whole})`;
  const { benches } = damaged(t, () => {}, sql);
  assert.deepEqual(benches.models().sort(), ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)]);
});

test('a tuner is read whole or not at all: without one entry it would be another tuner', (t) => {
  const spec = tunerSpecSchema.parse({ space: { training: { augment: { type: 'boolean' } } } });
  const tell = { trial: 0, rung: 0, metrics: {}, cost: { seconds: 0, joules: 0 } };
  const fill = ({ tuners }: Store) => {
    for (const id of ['t-1', 't-2']) {
      tuners.insert({ id, createdAt, spec });
      tuners.append(id, [{ tell }, { tell }]);
    }
  };
  const sql = "UPDATE tuner_entries SET entry = '{}' WHERE number = 2; UPDATE tuners SET spec = '{}' WHERE id = 't-2'";
  const { tuners } = damaged(t, fill, sql);
  assert.deepEqual(tuners.get('t-1')?.spec, spec);
  assert.throws(() => tuners.entries('t-1'), /^Error: entry\./);
  assert.throws(() => tuners.get('t-2'), /^Error: spec.space: /);
  assert.equal(tuners.entries('t-2').length, 2);
  assert.deepEqual(
    tuners.list().map(({ id }) => id),
    ['t-2', 't-1'],
  );
});
