/** Tuners in a thread: others go on meanwhile, and one that does not answer is given up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createThreadedHost } from '../../../coordinator/ask-tell/threaded-host.ts';
import { createLocalHost, LostSessionsError } from '../../../coordinator/ask-tell/tuner-host.ts';
import { createTunerService } from '../../../coordinator/ask-tell/tuner-service.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { turn } from '../../support/waiting.ts';

const SPEC = tunerSpecSchema.parse({
  space: { training: { rate: { type: 'float', min: 0, max: 1 }, width: { type: 'int', min: 1, max: 99 } } },
  objectives: ['minimize a', 'minimize b', 'minimize c', 'minimize d'],
  budget: { minEpochs: 1, maxEpochs: 1, minDataFraction: 1 },
});

const tell = (trial: number) => {
  const [a, b, c, d] = [trial, 50 - trial, (trial * 7) % 50, (trial * 13) % 50];
  return JSON.stringify({ tell: { trial, metrics: { a, b, c, d } } });
};

test('a thread answers what this one would, and this one runs meanwhile', async (t) => {
  const [threaded, local] = [createThreadedHost({ leaseS: 60 }), createLocalHost({ leaseS: 60 })];
  t.after(() => threaded.close());
  for (const host of [threaded, local]) await host.open('t-1', SPEC, []);
  let turns = 0;
  for (let trial = 0; trial < 15; trial++)
    for (const line of ['{"ask":{}}', tell(trial)]) {
      const [own, expected] = [threaded.answer('t-1', line), await local.answer('t-1', line)];
      if (await Promise.race([own.then(() => false), turn().then(() => true)])) turns++;
      assert.equal((await own).answer, expected.answer);
    }
  assert.ok(turns > 0);
  assert.deepEqual(await threaded.progress('t-1'), { state: 'running', trials: 15 });
  assert.deepEqual((await threaded.standing('t-1')).open, []);
  threaded.drop('t-1');
  await assert.rejects(threaded.answer('t-1', '{"ask":{}}'), LostSessionsError);
});

test('a journal that is not of the specification is told, and ends nothing', async (t) => {
  const host = createThreadedHost({ leaseS: 60 });
  t.after(() => host.close());
  const stray = { tell: { trial: 9, rung: 0, metrics: {}, cost: { seconds: 0, joules: 0 } } };
  await assert.rejects(host.open('t-1', SPEC, [stray]), /was not asked/);
  await host.open('t-2', SPEC, []);
  assert.equal(JSON.parse((await host.answer('t-2', '{"ask":{}}')).answer).trial, 0);
});

test('one that does not answer in time is given up; all go on from their journals', async (t) => {
  const store = openStore(temporaryFolder(t));
  t.after(() => store.close());
  const patient = createThreadedHost({ leaseS: 60 });
  const first = createTunerService(store.tuners, { host: patient });
  const { id } = await first.create(SPEC);
  const [asked] = (await first.answer(id, ['{"ask":{}}'])) ?? [];
  await patient.close();
  // No thread is there within a millisecond.
  const hasty = createThreadedHost({ leaseS: 60, longestCallMs: 1 });
  t.after(() => hasty.close());
  const service = createTunerService(store.tuners, { host: hasty });
  await assert.rejects(service.answer(id, ['{"ask":{}}']), LostSessionsError);
  const again = createThreadedHost({ leaseS: 60 });
  t.after(() => again.close());
  const last = createTunerService(store.tuners, { host: again });
  assert.deepEqual(
    (await last.find(id))?.open.map(({ trial }) => trial),
    [JSON.parse(asked ?? '').trial],
  );
});
