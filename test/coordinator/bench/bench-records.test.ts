/** The benches of before and now: how often they are written, what the list shows, what is forgotten. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import type { BenchDevice, BenchView } from '@edgetune/shared/protocol/bench.ts';
import { BenchRecords } from '../../../coordinator/bench/bench-records.ts';
import type { BenchRecord, BenchRepository } from '../../../coordinator/bench/bench-repository.ts';
import { storedMeasurement } from '../../support/measurement.ts';
import { Arrival, turn } from '../../support/waiting.ts';

const entry = (device: string, measurements: number, change: Partial<BenchDevice> = {}): BenchDevice => ({
  ...{ device, simulated: null, state: 'finished', reason: null, feasible: true, best: null, measured: 0, reused: 0 },
  measurements: Array.from({ length: measurements }, () => ({ ...storedMeasurement(), from: 'measured' as const })),
  ...{ possible: null, planned: null, ...change },
});
const record = (id: string, change: Partial<BenchView> = {}): BenchRecord => ({
  request: {} as BenchRecord['request'],
  view: {
    ...{ id, state: 'finished', modelName: `${id}.onnx`, scenario: { kind: 'offline' }, devices: [entry('pi', 1)] },
    ...{ startedAt: '2026-01-01', finishedAt: '2026-01-02', signature: 'w', ...change },
  } as BenchView,
});

/** Records over a repository in memory, with a clock that the test sets. */
function records(t: TestContext, stored: BenchRecord[] = []) {
  const clock = { ms: 5000 };
  t.mock.method(performance, 'now', () => clock.ms);
  const written: string[] = [];
  const log: string[] = [];
  const timers: { ms: number; callback: () => void }[] = [];
  const disk = { failure: null as Error | null, removal: async () => {} };
  const ending = new AbortController();
  const kept = new Map(stored.map((each) => [each.view.id, each]));
  const benches: BenchRepository = {
    add: (each) => benches.save(each),
    async save(each) {
      if (disk.failure) throw disk.failure;
      written.push(each.view.id);
      kept.set(each.view.id, each);
    },
    get: (id) => kept.get(id) ?? null,
    list: () => [...kept.values()].reverse(),
    async remove(id) {
      if (disk.failure) throw disk.failure;
      await disk.removal();
      kept.delete(id);
    },
    models: () => [],
  };
  const under = new BenchRecords({
    ...{ benches, log: plainLogger((line) => log.push(line)), ending: ending.signal },
    after: (ms, callback) => timers.push({ ms, callback }),
  });
  return { records: under, clock, written, log, timers, disk, kept, end: () => ending.abort(new Error('the end')) };
}

describe('the list of benches', () => {
  it('has a bench that begins once it is written, and not where it could not be', async (t) => {
    const { records: list, disk } = records(t);
    disk.failure = new Error('the disk is full');
    await assert.rejects(list.add(record('one')), /the disk is full/);
    assert.deepEqual(list.list(), []);
    disk.failure = null;
    await list.add(record('two'));
    assert.deepEqual(
      list.list().map(({ id }) => id),
      ['two'],
    );
  });

  it('has those of before and now, newest first, without what they measured', async (t) => {
    const { records: list } = records(t, [record('one'), record('two')]);
    await list.save(
      record('three', { devices: [entry('pi', 2), entry('orin', 3, { state: 'failed', feasible: false })] }),
    );
    assert.deepEqual(
      list.list().map(({ id }) => id),
      ['three', 'two', 'one'],
    );
    assert.deepEqual(list.list()[0], {
      ...{ id: 'three', state: 'finished', modelName: 'three.onnx', scenario: { kind: 'offline' } },
      ...{ startedAt: '2026-01-01', finishedAt: '2026-01-02', measurements: 5 },
      devices: [
        { device: 'pi', simulated: null, state: 'finished', feasible: true },
        { device: 'orin', simulated: null, state: 'failed', feasible: false },
      ],
    });
    assert.equal(list.find('two')?.view.id, 'two');
    assert.equal(list.find('nobody'), null);
  });

  it('knows which had not come to their end', (t) => {
    const stored = [
      record('one', { state: 'running' }),
      record('two'),
      record('three', { state: 'running' }),
      record('four', { state: 'cancelled' }),
    ];
    const { records: list } = records(t, stored);
    assert.deepEqual(
      list.unfinished().map(({ view }) => view.id),
      ['three', 'one'],
    );
  });
});

describe('a bench that goes on', () => {
  const sized = (measurements: number) => record('one', { devices: [entry('pi', measurements - 1), entry('orin', 1)] });

  it('is written with each measurement while it is small', async (t) => {
    const { records: list, written } = records(t);
    for (const measurements of [1, 50, 50]) await list.saveNowAndThen(sized(measurements));
    assert.equal(written.length, 3);
  });

  it('and after fifty at most once a second; the list knows of all', async (t) => {
    const { records: list, written, clock } = records(t);
    await list.saveNowAndThen(sized(51));
    assert.equal(written.length, 1, 'it was never written');
    clock.ms += 999;
    await list.saveNowAndThen(sized(52));
    assert.deepEqual([written.length, list.list()[0]?.measurements], [1, 52]);
    clock.ms += 1;
    await list.saveNowAndThen(sized(53));
    assert.equal(written.length, 2);
    clock.ms += 999;
    await list.saveNowAndThen(sized(54));
    assert.equal(written.length, 2);
  });

  it('is not waited for when the coordinator ends', async (t) => {
    const { records: list, end } = records(t);
    end();
    await assert.rejects(list.save(record('one')), /the end/);
  });
});

describe('the end of a bench', () => {
  it('is written, and tried again every ten seconds while it cannot be', async (t) => {
    const { records: list, disk, timers, log, kept } = records(t, [record('one', { state: 'running' })]);
    await list.saveEnd(record('one', { state: 'running' }));
    assert.deepEqual([timers, log], [[], []]);
    disk.failure = new Error('the disk is full');
    const ended = record('one');
    await list.saveEnd(ended);
    assert.equal(list.find('one'), ended, 'as it ended');
    assert.deepEqual(log, ['the end of the bench of one.onnx is not written yet, and tried again: the disk is full']);
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(
        timers.map(({ ms }) => ms),
        [10_000],
      );
      timers.pop()?.callback();
      await turn();
    }
    assert.equal(log.length, 1, 'said once');
    disk.failure = null;
    timers.pop()?.callback();
    await turn();
    assert.deepEqual([kept.get('one'), timers.length], [ended, 0]);
    disk.failure = new Error('full again');
    await list.saveEnd(ended);
    assert.equal(log.length, 2, 'of another time');
  });

  it('is not tried again when it was removed, has another end, or the coordinator ends', async (t) => {
    const { records: list, disk, timers, written, end } = records(t);
    disk.failure = new Error('the disk is full');
    for (const id of ['one', 'two']) await list.saveEnd(record(id));
    await list.saveEnd(record('two'));
    disk.failure = null;
    await list.remove('one');
    for (const { callback } of timers.splice(0)) callback();
    await turn();
    assert.deepEqual(written, ['two'], 'once, by the later end');
    disk.failure = new Error('the disk is full');
    await list.saveEnd(record('three'));
    end();
    timers.pop()?.callback();
    disk.failure = null;
    await turn();
    assert.deepEqual([written, timers], [['two'], []]);
    await list.saveEnd(record('four'));
    assert.deepEqual(timers, [], 'the store writes it when it closes');
  });
});

describe('a bench that is being removed', () => {
  it('is not written again meanwhile', async (t) => {
    const { records: list, disk, timers, written } = records(t);
    disk.failure = new Error('the disk is full');
    await list.saveEnd(record('one'));
    disk.failure = null;
    const removal = new Arrival('the disk');
    disk.removal = () => removal.wait();
    const removed = list.remove('one');
    timers.pop()?.callback();
    removal.come();
    await removed;
    await turn();
    assert.deepEqual([written, list.find('one')], [[], null]);
  });
});

describe('benches that are forgotten', () => {
  it('are those that somebody removes, with all that is known of them', async (t) => {
    const { records: list, kept, disk, clock, written } = records(t);
    const long = record('one', { devices: [entry('pi', 51)] });
    await list.save(long);
    await list.remove('one');
    assert.deepEqual([list.list(), list.find('one'), kept.size], [[], null, 0]);
    clock.ms += 1;
    await list.saveNowAndThen(long);
    assert.equal(written.length, 2, 'when it was written is forgotten, too');
    disk.failure = new Error('the disk is full');
    await assert.rejects(list.remove('one'), /the disk is full/);
    assert.equal(list.list().length, 1, 'what is still there is shown');
  });

  it('and the oldest of more than a hundred, unless they run', async (t) => {
    const stored = Array.from({ length: 103 }, (_, index) => record(`b-${index}`));
    const { records: list, kept, disk, log } = records(t, stored);
    list.forgetOldest((id) => id === 'b-1');
    await turn();
    assert.deepEqual(
      [kept.size, kept.has('b-0'), kept.has('b-1'), kept.has('b-2'), kept.has('b-3')],
      [101, false, true, false, true],
    );
    assert.equal(list.list().length, 101);
    list.forgetOldest((id) => id === 'b-1');
    await turn();
    assert.equal(kept.size, 101);
    disk.failure = new Error('the disk is full');
    list.forgetOldest(() => false);
    await turn();
    assert.deepEqual(log, ['an old bench could not be removed: the disk is full']);
  });
});
