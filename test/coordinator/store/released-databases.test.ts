/** A database of every released schema (test/fixtures/databases) opens, is migrated, and holds what was in it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { studyEventBodySchema } from '@edgetune/shared/domain/study-event.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { migrations } from '../../../coordinator/store/migrations/all.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/databases');

/** Kinds of events that came after the last of these databases. */
const YOUNGER = ['dataset-read', 'study-device', 'study-extended', 'training-interrupted'];

function dataDirectory(t: Parameters<typeof temporaryFolder>[0], fixture: string): string {
  const database = gunzipSync(readFileSync(join(FIXTURES, fixture)));
  return temporaryFolder(t, { 'edgetune.db': database });
}

test('each migration has its database', () => {
  assert.deepEqual(
    readdirSync(FIXTURES).sort(),
    migrations.map(({ name }) => `${name}.db.gz`),
    'node scripts/run.js scripts/database-fixtures.ts makes the missing one',
  );
});

for (const [index, { name }] of migrations.entries())
  test(`a database as ${name} left it`, (t) => {
    const directory = dataDirectory(t, `${name}.db.gz`);
    const log: string[] = [];
    const store = openStore(directory, { log: plainLogger((message) => log.push(message)) });
    const events = store.studies.events('s-1').map(({ body }) => body);
    assert.deepEqual(
      [...new Set(events.map(({ type }) => type))].sort(),
      studyEventBodySchema.options
        .map(({ shape }) => shape.type.value)
        .filter((kind) => !YOUNGER.includes(kind))
        .sort(),
      'it has events of every kind',
    );
    const created = events.find(({ type }) => type === 'study-created');
    assert.ok(created?.type === 'study-created');
    assert.equal(created.spec.quantisation.maxAccuracyDrop, index < 2 ? 0.01 : 0.02);
    const failed = events.find((body) => body.type === 'trial-told' && body.trialId === 1);
    assert.ok(failed?.type === 'trial-told');
    assert.equal(failed.violation, 1e6, 'an infinite violation was null');
    const amended = events.find(({ type }) => type === 'trial-amended');
    assert.deepEqual(amended?.type === 'trial-amended' && amended.metrics, { 'latency.p50@kitchen-pi': 2 });
    const recommended = events.find(({ type }) => type === 'recommendation');
    assert.ok(recommended?.type === 'recommendation');
    assert.equal(recommended.recommendation.models[0]?.quantised === null, index < 2);
    assert.deepEqual(
      store.studies.list().map((study) => [study.id, 'problem' in study ? study.problem : study.state]),
      index < 4
        ? [
            ['s-2', 'queued'],
            ['s-1', 'succeeded'],
          ]
        : [['s-1', 'succeeded']],
    );
    assert.equal(store.measurements.get('m-1')?.latencyMs?.p50, 2);
    const query = { deviceClass: 'pi5', scenarioKey: 'single-stream' };
    assert.deepEqual(
      [
        ...store.measurements.find({ ...query, signature: 'signature-a' }),
        ...(store.measurements.recent?.({ ...query, limit: 9 }) ?? []),
      ].map(({ id }) => id),
      ['m-1', 'm-1'],
    );
    const [device] = store.devices.list();
    assert.deepEqual(
      [device?.name, device?.board?.cpuModel, device?.credentialHash],
      ['kitchen-pi', 'Cortex-A76', 'hash'],
    );
    assert.ok(store.devices.token('token-hash')?.usedAt);
    assert.deepEqual(
      store.jobs.unfinished().map(({ id, request }) => [id, request.signature]),
      [['j-1', 'signature-a']],
    );
    const bench = store.benches.get('b-1');
    if (index < 1) assert.equal(bench, null);
    else {
      const [measured] = bench?.view.devices[0]?.measurements ?? [];
      assert.deepEqual([bench?.view.precision, bench?.view.int8], ['float32', null]);
      assert.equal(measured?.from, index < 2 ? 'measured' : 'reused-device');
    }
    const tuner = store.tuners.list()[0];
    if (index < 2) assert.equal(tuner, undefined);
    else {
      assert.deepEqual(store.tuners.get('t-1')?.spec.space.training, { augment: { type: 'boolean' } });
      assert.deepEqual(store.tuners.entries('t-1').flatMap(Object.keys), ['ask', 'tell']);
    }
    store.close();
    assert.deepEqual(log, [], 'every row can be read');
    const { client, close } = openDatabase(join(directory, 'edgetune.db'));
    t.after(close);
    assert.deepEqual(
      client
        .prepare('SELECT name FROM migrations ORDER BY name')
        .all()
        .map((row) => (row as { name: string }).name),
      migrations.map((each) => each.name),
    );
  });
