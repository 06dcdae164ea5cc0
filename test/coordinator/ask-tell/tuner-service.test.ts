/** Tuners of programs: what is idle leaves the memory and comes back from its journal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createTunerService } from '../../../coordinator/ask-tell/tuner-service.ts';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SPEC = tunerSpecSchema.parse({
  space: { training: { rate: { type: 'float', min: 0, max: 1 } } },
  objectives: ['maximize accuracy'],
  budget: { minEpochs: 1, maxEpochs: 4 },
});

test('only tuners that were used lately are kept in memory; the others go on as if they were', async (t) => {
  const store = openStore(temporaryFolder(t));
  t.after(() => store.close());
  const restored: string[] = [];
  const tuners = {
    ...store.tuners,
    entries(id: string) {
      restored.push(id);
      return store.tuners.entries(id);
    },
  };
  const service = createTunerService(tuners, { mostEntriesInMemory: 10 });
  const ids = [service.create(SPEC).id, service.create(SPEC).id] as const;
  const expected = ids.map(() => createTunerSession(SPEC));
  const round = async (index: 0 | 1) => {
    const send = async (line: string) => {
      const answers = await service.answer(ids[index], [line]);
      assert.deepEqual(answers, [expected[index]?.answer(line)]);
      return JSON.parse(answers?.[0] ?? '');
    };
    const { trial, rung, candidate } = await send('{"ask":{}}');
    await send(JSON.stringify({ tell: { trial, rung, metrics: { accuracy: candidate.rate } } }));
  };
  for (let i = 0; i < 2; i++) for (const index of [0, 1] as const) await round(index);
  assert.deepEqual(restored, [], 'eight entries fit');
  for (let i = 0; i < 2; i++) await round(0);
  assert.deepEqual(restored, []);
  await round(1);
  assert.deepEqual(restored, [ids[1]], 'the other one was dropped, and is back');
  await round(0);
  assert.deepEqual(restored, [...ids].reverse());
  assert.equal(service.find(ids[1])?.open.length, 0);
  await Promise.all([round(0), round(1)]);
});
