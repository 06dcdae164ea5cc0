/** Tuners of programs: what is idle leaves the memory and comes back from its journal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TunerEntry, tunerSpecSchema } from '@edgetune/shared/protocol/tuner-lines.ts';
import { createLocalHost } from '../../../coordinator/ask-tell/tuner-host.ts';
import type { TunerRecord, TunerRepository } from '../../../coordinator/ask-tell/tuner-repository.ts';
import {
  createTunerService,
  TunerLimitError,
  UnreadableTunerError,
} from '../../../coordinator/ask-tell/tuner-service.ts';
import { createTunerSession } from '../../../coordinator/ask-tell/tuner-session.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { Arrival, turn } from '../../support/waiting.ts';

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
  const create = async () => (await service.create(SPEC)).id;
  const ids = [await create(), await create()] as const;
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
  assert.equal((await service.find(ids[1]))?.open.length, 0);
  await Promise.all([round(0), round(1)]);
});

/** A repository in memory; `append` may be made to fail. */
function inMemory() {
  const records = new Map<string, TunerRecord>();
  const journals = new Map<string, TunerEntry[]>();
  const state = { fails: null as Error | null, reads: 0 };
  const repository: TunerRepository = {
    insert: async (record) => void records.set(record.id, record),
    get: (id) => records.get(id) ?? null,
    list: () =>
      [...records.values()].map(({ id, createdAt, spec }) => ({
        id,
        createdAt,
        name: spec.name ?? null,
        state: 'running' as const,
        trials: 0,
      })),
    async append(id, entries) {
      if (state.fails) throw state.fails;
      journals.set(id, [...(journals.get(id) ?? []), ...entries]);
    },
    entries(id) {
      state.reads++;
      return journals.get(id) ?? [];
    },
    async remove(id) {
      journals.delete(id);
      return records.delete(id);
    },
  };
  return { repository, journals, state };
}

const ask = '{"ask":{}}';
const isLimit = (code: string) => (error: Error) => error instanceof TunerLimitError && error.code === code;

test('a coordinator keeps a hundred tuners, of ten thousand trials each, and answers a thousand lines at once', async () => {
  const { repository } = inMemory();
  const service = createTunerService(repository);
  const many = { ...SPEC, stop: { ...SPEC.stop, trials: 10_001 } };
  await assert.rejects(async () => service.create(many), /10001 trials are too many .*: 10000 at most/);
  const { id } = await service.create({ ...SPEC, stop: { ...SPEC.stop, trials: 10_000 } });
  for (let i = 1; i < 99; i++) await service.create(SPEC);
  await service.create(SPEC);
  await assert.rejects(async () => service.create(SPEC), isLimit('too-many-tuners'));
  assert.equal(service.list().length, 100);
  const best = Array.from({ length: 1000 }, () => '{"best":{}}');
  assert.deepEqual(await service.answer(id, best), Array(1000).fill('{"best":null}'));
  await assert.rejects(service.answer(id, [...best, ask]), isLimit('too-many-lines'));
  assert.equal(await service.remove(id), true);
  await service.create(SPEC);
});

test('who is not there is null; who was removed leaves nothing', async () => {
  const { repository, journals } = inMemory();
  const service = createTunerService(repository);
  assert.equal(await service.find('t-none'), null);
  assert.equal(await service.answer('t-none', [ask]), null);
  assert.equal(await service.remove('t-none'), false);
  const { id, open } = await service.create(SPEC);
  assert.deepEqual(open, []);
  await service.answer(id, [ask]);
  assert.equal(await service.remove(id), true);
  assert.equal(await service.answer(id, [ask]), null);
  assert.equal(journals.size, 0);
});

test('what is open is shown, in the order of the trials, also after a restart', async () => {
  const { repository } = inMemory();
  const service = createTunerService(repository);
  const { id, createdAt } = await service.create(SPEC);
  const answers = (await service.answer(id, [ask, ask, ask])) ?? [];
  const jobs = answers.map((answer) => JSON.parse(answer));
  const tell = { tell: { trial: 1, rung: 0, metrics: { accuracy: 0.5 } } };
  await service.answer(id, [JSON.stringify(tell)]);
  const found = await service.find(id);
  assert.deepEqual(found, {
    id,
    name: null,
    createdAt,
    state: 'running',
    trials: 3,
    open: [0, 2].map((trial, at) => ({ ...jobs[trial], leaseUntil: found?.open[at]?.leaseUntil })),
    undecided: [],
  });
  assert.deepEqual(await createTunerService(repository).find(id), found);
});

test('what is asked at once is one after the other: nobody sees what is not written, or writes for one that is gone', async () => {
  const { repository, journals } = inMemory();
  const written = new Arrival('the store to be free');
  const service = createTunerService({
    ...repository,
    async append(id, entries) {
      await written.wait();
      if (!repository.get(id)) throw new Error('FOREIGN KEY constraint failed');
      await repository.append(id, entries);
    },
  });
  const { id } = await service.create(SPEC);
  const answers = service.answer(id, [ask]);
  const seen = service.find(id);
  const removed = service.remove(id);
  const late = service.answer(id, [ask]);
  assert.equal(await Promise.race([seen, turn()]), undefined, 'its job is not in the journal yet');
  written.come();
  assert.equal((await answers)?.length, 1);
  assert.deepEqual(
    (await seen)?.open.map(({ trial }) => trial),
    [0],
  );
  assert.equal(await removed, true);
  assert.equal(await late, null);
  assert.equal(journals.size, 0);
});

test('tuners that are being made count', async () => {
  const { repository } = inMemory();
  const service = createTunerService({
    ...repository,
    insert: (record) => turn().then(() => repository.insert(record)),
  });
  const made = await Promise.allSettled(Array.from({ length: 101 }, () => service.create(SPEC)));
  assert.equal(made.filter(({ status }) => status === 'rejected').length, 1);
  assert.equal(service.list().length, 100);
});

test('one that could not be made does not count', async () => {
  const { repository } = inMemory();
  const state = { isFull: true };
  const service = createTunerService({
    ...repository,
    insert: async (record) => (state.isFull ? Promise.reject(new Error('full')) : repository.insert(record)),
  });
  await Promise.allSettled(Array.from({ length: 100 }, () => service.create(SPEC)));
  state.isFull = false;
  await service.create(SPEC);
});

test('the journal holds what changed the tuner, in its order, before the answers are there', async () => {
  const { repository, journals } = inMemory();
  const service = createTunerService(repository);
  const { id } = await service.create(SPEC);
  const tell = { trial: 0, rung: 0, metrics: { accuracy: 0.5 } };
  await service.answer(id, [ask, '{"best":{}}', JSON.stringify({ tell }), ask, 'rubbish']);
  const kinds = (journals.get(id) ?? []).map((entry) =>
    'ask' in entry ? `ask ${entry.ask.trial}` : Object.keys(entry).join(),
  );
  assert.deepEqual(kinds, ['ask 0', 'tell', 'ask 1']);
});

test('lines that come at once are answered one message after the other', async () => {
  const { repository } = inMemory();
  const service = createTunerService(repository);
  const { id } = await service.create(SPEC);
  const several = await Promise.all([
    service.answer(id, [ask, ask]),
    service.answer(id, [ask]),
    service.answer(id, [ask]),
  ]);
  assert.deepEqual(
    several.flat().map((answer) => JSON.parse(answer ?? '').trial),
    [0, 1, 2, 3],
  );
});

test('a tuner that is ahead of its journal begins anew from there', async () => {
  const { repository, journals, state } = inMemory();
  const service = createTunerService(repository);
  const { id } = await service.create(SPEC);
  const [first] = (await service.answer(id, [ask])) ?? [];
  state.fails = new Error('the disk is full');
  await assert.rejects(service.answer(id, [ask]), /the disk is full/);
  state.fails = null;
  const [again, next] = (await service.answer(id, [ask, ask])) ?? [];
  assert.deepEqual(
    [first, again, next].map((answer) => JSON.parse(answer ?? '').trial),
    [0, 1, 2],
  );
  assert.equal(journals.get(id)?.length, 3);
});

test('a tuner whose journal cannot be read says what to do, and stops no other', async () => {
  const { repository } = inMemory();
  const service = createTunerService({
    ...repository,
    entries(id) {
      if (id === broken.id) throw new Error('entry 3 is no JSON');
      return repository.entries(id);
    },
  });
  const [broken, sound] = [await createTunerService(repository).create(SPEC), await service.create(SPEC)];
  const isTold = (error: Error) =>
    error instanceof UnreadableTunerError && /cannot be read \(entry 3 is no JSON\): delete it/.test(error.message);
  await assert.rejects(service.find(broken.id), isTold);
  await assert.rejects(service.answer(broken.id, [ask]), isTold);
  assert.equal((await service.answer(sound.id, [ask]))?.length, 1);
  assert.equal(await service.remove(broken.id), true);
});

test('a question alone makes room, too', async () => {
  const { repository, state } = inMemory();
  const setup = createTunerService(repository);
  const ids = [(await setup.create(SPEC)).id, (await setup.create(SPEC)).id, (await setup.create(SPEC)).id];
  for (const id of ids) await setup.answer(id, Array(5).fill(ask));
  const service = createTunerService(repository, { mostEntriesInMemory: 10 });
  for (const id of ids) await service.find(id);
  assert.equal(state.reads, 3);
  for (const id of ids.slice(1)) await service.find(id);
  assert.equal(state.reads, 3, 'two of five entries each fit');
  await service.find(ids[0] as string);
  assert.equal(state.reads, 4, 'the first was dropped for the third');
});

test('answers that would fill the memory are not given at once: lines after them change nothing, and say so', async () => {
  const { repository } = inMemory();
  const long = JSON.stringify({ front: 'x'.repeat(9 * 2 ** 20) });
  const local = createLocalHost({ leaseS: 60 });
  const host = { ...local, answer: async () => ({ answer: long, entries: [] }) };
  const service = createTunerService(repository, { host });
  const { id } = await service.create(SPEC);
  const answers = (await service.answer(id, Array(6).fill('{"front":{}}'))) ?? [];
  assert.deepEqual(
    answers.map((answer) => answer === long),
    [true, true, true, true, false, false],
  );
  assert.match(answers[5] ?? '', /send it again by itself/);
});
