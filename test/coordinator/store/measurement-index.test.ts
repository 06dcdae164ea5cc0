/** What is asked of the measurements is answered by an index: 100,000 rows are a year of a small fleet. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { openDatabase } from '../../../coordinator/store/database.ts';
import { createMeasurementTable } from '../../../coordinator/store/measurement-table.ts';
import { createRowReader } from '../../../coordinator/store/rows.ts';
import { storedMeasurement } from '../../support/measurement.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const query = { deviceClass: 'pi5', scenarioKey: 'single-stream' };

test('no question about measurements walks through the table, or sorts what it found', (t) => {
  const database = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(() => database.close());
  const asked: string[] = [];
  const prepare = database.client.prepare.bind(database.client);
  database.client.prepare = (sql: string) => {
    asked.push(sql);
    return prepare(sql);
  };
  const measurements = createMeasurementTable(database, createRowReader(plainLogger(assert.fail)));
  measurements.recent?.({ ...query, limit: 600 });
  measurements.find({ ...query, signature: 'signature-a' });
  measurements.get('m-1');
  measurements.classes?.('pi5');
  const plans = asked.map((sql) => {
    const parameters = Array.from(sql.matchAll(/\?/g), () => '');
    return prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters) as { detail: string }[];
  });
  assert.deepEqual(
    plans.map((steps) => steps.map(({ detail }) => detail)),
    [
      ['SEARCH measurements USING INDEX measurements_by_class (device_class=? AND scenario_key=?)'],
      [
        'SEARCH measurements USING INDEX measurements_by_architecture (signature=? AND scenario_key=? AND device_class=?)',
      ],
      ['SEARCH measurements USING INDEX sqlite_autoindex_measurements_1 (id=?)'],
      ['SEARCH measurements USING COVERING INDEX measurements_by_class (device_class>? AND device_class<?)'],
    ],
  );
});

test('device classes are found by how their names begin, each once', async (t) => {
  const database = openDatabase(join(temporaryFolder(t), 'a.db'));
  t.after(() => database.close());
  const measurements = createMeasurementTable(database, createRowReader(plainLogger(assert.fail)));
  for (const [index, deviceClass] of [
    'pi 5 | MAXN',
    'pi 5 | 15W',
    'pi 5 | 15W',
    'pi 50 | 15W',
    'Pi 5 | 15W',
    'pi 4 | a',
  ].entries())
    await measurements.save(storedMeasurement({ id: `m-${index}`, deviceClass }));
  assert.deepEqual(measurements.classes?.('pi 5 | '), ['pi 5 | 15W', 'pi 5 | MAXN']);
  assert.deepEqual(measurements.classes?.('pi 6 | '), []);
});
