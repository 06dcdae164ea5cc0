/** Benches as they run: what is taken up, shown, kept, and how they end. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { signatureOf } from '@edgetune/shared/onnx/signature.ts';
import { type BenchRequestBody, benchRequestSchema } from '@edgetune/shared/protocol/bench.ts';
import { InferenceInputError } from '../../../coordinator/bench/bench-input.ts';
import type { BenchRecord } from '../../../coordinator/bench/bench-repository.ts';
import { createBenchService } from '../../../coordinator/bench/create-bench-service.ts';
import { inspectModel } from '../../../coordinator/inference/inspector/inspect-model.ts';
import { sizedSignature } from '../../../coordinator/inference/sized-signature.ts';
import { NotWrittenError } from '../../../coordinator/lifecycle/not-written-error.ts';
import { Troubles } from '../../../coordinator/lifecycle/troubles.ts';
import { measurementAt, storedMeasurement } from '../../support/measurement.ts';
import { tokensModel } from '../../support/tokens-model.ts';
import { Arrival, turn, until } from '../../support/waiting.ts';
import { device } from '../inference/support/board.ts';
import { convModel } from '../inference/support/conv-model.ts';
import { askedDevices, result } from '../study/support/asked-devices.ts';

const model = convModel();
const int8Model = convModel({ layers: 2 });

/** Benches over a repository and blobs in memory, whose searches end when the test says so. */
function benches(
  t: TestContext,
  options: {
    records?: BenchRecord[];
    quantise?: () => Promise<Uint8Array>;
    device?: (name: string) => DeviceView | null;
  } = {},
) {
  const server = askedDevices();
  const kept = new Map((options.records ?? []).map((each) => [each.view.id, each]));
  const blobs: Uint8Array[] = [];
  const log: string[] = [];
  const saves: string[] = [];
  const saved: BenchRecord[] = [];
  /** Why nothing can be written, and what an end waits for until it is. */
  const disk = { failure: null as Error | null, ended: async () => {}, added: async () => {} };
  const blobsFail = { failure: null as Error | null };
  const dimensions: unknown[] = [];
  const name = (index: number) => index.toString(16).padStart(64, '0');
  const save = async (record: BenchRecord) => {
    if (disk.failure) throw disk.failure;
    const { state, int8, devices } = record.view;
    saves.push(
      `${state}${int8 ? ' with int8' : ''}: ${devices.map((each) => `${each.state} ${each.measurements.length}`).join(', ')}`,
    );
    saved.push(structuredClone(record));
    if (state !== 'running') await disk.ended();
    kept.set(record.view.id, structuredClone(record));
  };
  const troubles = new Troubles();
  const service = createBenchService({
    inspector: { inspect: async (request) => inspectModel(request) },
    inference: server.inference,
    device:
      options.device ??
      ((name) => (name.startsWith('device-') ? { ...device(`d-00000000000${name.at(-1)}`), name } : null)),
    troubles,
    benches: {
      add: async (record) => {
        await disk.added();
        await save(record);
      },
      save,
      get: (id) => kept.get(id) ?? null,
      list: () => [...kept.values()].reverse(),
      remove: async (id) => void kept.delete(id),
      models: () => ['of a bench'],
    },
    quantise: async (_onnx, given) => {
      dimensions.push(given);
      return (options.quantise ?? (async () => int8Model))();
    },
    blobs: {
      put: async (bytes) => {
        if (blobsFail.failure) throw blobsFail.failure;
        const known = blobs.findIndex((each) => Buffer.from(each).equals(bytes));
        return name(known >= 0 ? known : blobs.push(bytes) - 1);
      },
      get: async (sha256) => {
        const found = blobs[Number.parseInt(sha256, 16)];
        if (!found) throw new Error('no such blob');
        return found;
      },
    },
    log: plainLogger((line) => log.push(line)),
    after: () => {},
  });
  t.after(async () => {
    const closed = service.close();
    for (const { fail } of server.searches) void fail(new Error('the end'));
    await closed;
  });
  const start = async (change: Partial<BenchRequestBody> = {}) => {
    const { modelSha256 } = await service.accept(model);
    return service.start(benchRequestSchema.parse({ modelSha256, devices: ['device-1'], ...change }));
  };
  const searched = (count: number) =>
    until(`${count} searches`, () => server.searches.length >= count, { everyTurn: true });
  const ended = async (id: string) => {
    await until('the bench to end', () => service.find(id)?.state !== 'running', { everyTurn: true });
    await turn();
    return service.find(id);
  };
  return { service, troubles, ...server, kept, log, saves, saved, disk, blobsFail, dimensions, start, searched, ended };
}

const own = (id = 'd-000000000001') =>
  result(1, { best: storedMeasurement({ ...measurementAt(2), deviceId: id, id: 'best' }) });

describe('a model', () => {
  it('is taken with all that a bench must be told of it', async (t) => {
    const { service } = benches(t);
    assert.deepEqual(await service.accept(model), {
      ...{
        modelSha256: '0'.repeat(64),
        modelBytes: model.length,
        fixedBatch: null,
        precision: 'float32',
        openDimensions: [],
        unnamedInputs: [],
        assumptions: [],
      },
      inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 3, 16, 16] }],
    });
  });

  it('is kept from being cleaned up as one of the last twenty, and while a bench names it', async (t) => {
    const { service } = benches(t);
    const shas: string[] = [];
    for (let channels = 1; channels <= 20; channels++)
      shas.push((await service.accept(convModel({ channels }))).modelSha256);
    assert.deepEqual(service.blobsInUse(), [...shas, 'of a bench']);
    await service.accept(convModel({ channels: 1 }));
    shas.push((await service.accept(convModel({ channels: 21 }))).modelSha256);
    assert.deepEqual(
      service.blobsInUse(),
      [...shas.slice(2, 20), shas[0], shas[20], 'of a bench'],
      'the one that was used least lately goes',
    );
  });
});

describe('a bench', () => {
  it('begins with all that was asked for, and what the model says', async (t) => {
    const simulated = { profile: 'x', timeScale: 0, latencyMape: null };
    const board = (name: string) =>
      ({
        ...device(),
        name,
        board: { ...device().board, simulated: name === 'device-1' ? simulated : null },
      }) as DeviceView;
    const { start, kept, saves, saved } = benches(t, { device: board });
    const view = await start({
      ...{
        modelName: 'a.onnx',
        scenario: { kind: 'offline' },
        objectives: ['latency.p99'],
        constraints: ['memory <= 1 GB'],
      },
      devices: ['device-1', 'device-2', 'device-1'],
    });
    const { id, startedAt, ...rest } = view;
    const entry = {
      ...{ state: 'running', reason: null, feasible: false, best: null, measurements: [], measured: 0, reused: 0 },
      ...{ possible: null, planned: null },
    };
    assert.deepEqual(
      {
        ...rest,
        devices: rest.devices.map(({ possible: _, planned: __, ...each }) => ({
          ...each,
          possible: null,
          planned: null,
        })),
      },
      {
        ...{ state: 'running', modelName: 'a.onnx', modelSha256: '0'.repeat(64), modelBytes: model.length },
        ...{
          signature: sizedSignature(signatureOf(readOnnx(model)), {}),
          precision: 'float32',
          scenario: { kind: 'offline' },
        },
        ...{ objectives: [parseObjective('latency.p99')], constraints: [parseConstraint('memory <= 1 GB')] },
        ...{ dimensions: {}, assumptions: [], int8: null, finishedAt: null },
        devices: [
          { device: 'device-1', simulated, ...entry },
          { device: 'device-2', simulated: null, ...entry },
        ],
      },
    );
    assert.deepEqual(
      saved[0]?.view.devices,
      ['device-1', 'device-2'].map((name) => ({
        device: name,
        simulated: name === 'device-1' ? simulated : null,
        ...entry,
      })),
    );
    assert.match(id, /^b-[0-9a-f-]{36}$/);
    assert.ok(Date.parse(startedAt) <= Date.now());
    assert.equal(saves[0], 'running: running 0, running 0', 'written before anything is measured');
    const { batchSizes, precisions, dimensions } = kept.get(id)?.request ?? {};
    assert.deepEqual([batchSizes, precisions, dimensions], [[1, 2, 4, 8, 16, 32], ['float32'], {}]);
  });

  it('keeps to the batch sizes and dimensions that were asked for, as far as the model leaves them open', async (t) => {
    const { service, start, kept, dimensions, searched, searches } = benches(t);
    const { id } = await start({ batchSizes: [3, 5] });
    assert.deepEqual(kept.get(id)?.request.batchSizes, [3, 5]);
    const { modelSha256 } = await service.accept(tokensModel());
    const refused = (error: Error) =>
      error instanceof InferenceInputError &&
      /^the model leaves "tokens" open: give each a size \(for example --dimension tokens=128; "batch" if it is the batch\)$/.test(
        error.message,
      );
    await assert.rejects(start({ modelSha256 }), refused);
    const sized = await start({ modelSha256, dimensions: { tokens: 16, other: 3 }, precisions: ['float32', 'int8'] });
    assert.deepEqual([sized.dimensions, kept.get(sized.id)?.request.dimensions], [{ tokens: 16 }, { tokens: 16 }]);
    await searched(2);
    assert.deepEqual(dimensions, [{ tokens: 16 }]);
    const plain = signatureOf(readOnnx(tokensModel()));
    assert.equal(sized.signature, sizedSignature(plain, { tokens: 16 }));
    assert.notEqual(sized.signature, plain);
    assert.equal(
      (sized.int8 as { signature: string }).signature,
      sizedSignature(signatureOf(readOnnx(int8Model)), { tokens: 16 }),
    );
    assert.deepEqual(searches[1]?.request.dimensions, { tokens: 16 });
    const fixed = await service.accept(convModel({ batch: 3 }));
    const ofThree = await start({ modelSha256: fixed.modelSha256, batchSizes: [1, 3] });
    assert.deepEqual(kept.get(ofThree.id)?.request.batchSizes, [3]);
    await assert.rejects(
      start({ modelSha256: fixed.modelSha256, batchSizes: [1, 2] }),
      /fixed at 3: it cannot run batches of 1, 2 \(export it with a dynamic batch\)/,
    );
  });

  it('writes down what comes, each device by itself, and ends when all have', async (t) => {
    const { start, searched, on, saves, kept, ended, service } = benches(t);
    const { id } = await start({ devices: ['device-1', 'device-2'] });
    await searched(2);
    on('device-1').onMeasured(storedMeasurement({ id: 'm-1' }), 'measured');
    await on('device-1').answer(own());
    assert.deepEqual(saves, [
      'running: running 0, running 0',
      'running: running 1, running 0',
      'running: finished 1, running 0',
    ]);
    assert.equal(service.find(id)?.state, 'running');
    await on('device-2').answer(own('d-000000000002'));
    const view = await ended(id);
    assert.equal(saves.at(-1), 'finished: finished 1, finished 0');
    assert.deepEqual([view?.state, kept.get(id)?.view.finishedAt], ['finished', view?.finishedAt]);
    assert.ok(Date.parse(view?.finishedAt ?? '') > 0);
    await service.remove(id);
    assert.equal(service.find(id), null);
  });

  it('that is removed while its end is written stays removed', async (t) => {
    const { start, searched, on, service, disk, kept } = benches(t);
    const { id } = await start();
    await searched(1);
    const written = new Arrival('the disk');
    disk.ended = () => written.wait();
    await on('device-1').answer(own());
    assert.equal(service.find(id)?.state, 'finished');
    const removed = service.remove(id);
    await turn();
    written.come();
    await removed;
    await turn();
    assert.deepEqual([kept.size, service.find(id), service.list()], [0, null, []]);
  });

  it('goes on where one device fails, and says so', async (t) => {
    const { start, searched, on, ended, log } = benches(t);
    const { id } = await start({ modelName: 'a.onnx', devices: ['device-1', 'device-2'] });
    await searched(2);
    await on('device-1').fail(new Error('the board crashed'));
    await on('device-2').answer(own('d-000000000002'));
    const view = await ended(id);
    assert.deepEqual(
      view?.devices.map(({ state, reason }) => [state, reason]),
      [
        ['failed', 'the board crashed'],
        ['finished', null],
      ],
    );
    assert.equal(view?.state, 'finished');
    assert.deepEqual(log, ['bench of a.onnx on device-1: the board crashed']);
  });

  it('ends on a device that is gone meanwhile', async (t) => {
    const made = new Arrival<Uint8Array>('the variant');
    let isThere = true;
    const { start, ended } = benches(t, { device: () => (isThere ? device() : null), quantise: () => made.wait() });
    const { id } = await start({ precisions: ['float32', 'int8'] });
    isThere = false;
    made.come(int8Model);
    const view = await ended(id);
    assert.match(view?.devices[0]?.reason ?? '', /there is no device "device-1"/);
  });

  it('is cancelled at once, on the devices that have not ended, without a word in the log', async (t) => {
    const { start, searched, on, ended, service, log, kept } = benches(t);
    const { id } = await start({ devices: ['device-1', 'device-2'] });
    await searched(2);
    await on('device-1').answer(own());
    await assert.rejects(
      service.remove(id),
      (error: Error) => error instanceof InferenceInputError && /is running: cancel it first/.test(error.message),
    );
    assert.equal(service.cancel(id)?.id, id);
    assert.equal(on('device-2').signal.aborted, true);
    await on('device-2').fail(new Error('the bench was cancelled'));
    const view = await ended(id);
    assert.deepEqual(
      [view?.state, view?.devices.map(({ state, reason }) => [state, reason])],
      [
        'cancelled',
        [
          ['finished', null],
          ['cancelled', 'the bench was cancelled'],
        ],
      ],
    );
    assert.deepEqual([log, kept.get(id)?.view.state], [[], 'cancelled']);
    assert.deepEqual([service.cancel(id)?.state, service.cancel('nobody')], ['cancelled', null]);
  });

  it('says what it waits for while nothing can be written, in its view and in the list', async (t) => {
    const { start, searched, on, ended, service, troubles } = benches(t);
    const { id } = await start();
    await searched(1);
    const end = troubles.begin({ because: 'disk-full', message: 'the disk is full: free some space' });
    assert.deepEqual(
      [service.find(id)?.waiting, service.list()[0]?.waiting],
      ['the disk is full: free some space', 'the disk is full: free some space'],
    );
    end();
    assert.deepEqual([service.find(id)?.waiting, service.list()[0]?.waiting], [undefined, undefined]);
    await on('device-1').answer(own());
    await ended(id);
    troubles.begin({ because: 'disk-full', message: 'full again' });
    assert.equal(service.find(id)?.waiting, undefined, 'it has ended');
  });

  it('keeps its variant until that can be stored, and says so', async (t) => {
    const { service, searched, blobsFail } = benches(t);
    const { modelSha256 } = await service.accept(model);
    blobsFail.failure = new NotWrittenError('quota', 'the quota is reached');
    const request = benchRequestSchema.parse({ modelSha256, devices: ['device-1'], precisions: ['float32', 'int8'] });
    const { id } = await service.start(request);
    await until('it to wait', () => service.find(id)?.waiting === 'the quota is reached', { everyTurn: true });
    blobsFail.failure = null;
    await searched(1);
    assert.ok(service.find(id)?.int8 && 'modelSha256' in (service.find(id)?.int8 ?? {}));
    assert.equal(service.find(id)?.waiting, undefined);
  });

  it('is not begun by a coordinator that ends, now or at its next start', async (t) => {
    const { start, service, disk, kept } = benches(t);
    const writing = new Arrival('the word that it is written');
    disk.added = () => writing.wait();
    const begun = start();
    const refused = assert.rejects(begun, { name: 'ShutdownError' });
    await turn();
    await service.close();
    await refused;
    writing.come();
    await turn();
    assert.deepEqual([...kept.keys()], []);
    await assert.rejects(start(), { name: 'ShutdownError' });
  });

  it('that ends because something could not be written has failed: nobody has cancelled it', async (t) => {
    const { start, searched, on, ended, disk, log } = benches(t);
    const { id } = await start();
    await searched(1);
    disk.failure = new Error('no such table');
    const search = on('device-1');
    search.onMeasured(storedMeasurement(), 'measured');
    await turn();
    disk.failure = null;
    await search.fail(new Error('the job was cancelled'));
    const view = await ended(id);
    assert.deepEqual(
      [view?.state, view?.devices[0]?.state, view?.devices[0]?.reason],
      ['finished', 'failed', 'no such table'],
    );
    assert.ok(log.some((line) => /on device-1: no such table/.test(line)));
  });

  it('costs the boards no more time once it cannot be written', async (t) => {
    const { start, searched, on, disk } = benches(t);
    await start();
    await searched(1);
    const search = on('device-1');
    disk.failure = new Error('the disk is full');
    search.onMeasured(storedMeasurement({ id: 'm-1' }), 'measured');
    await turn();
    assert.equal((search.signal.reason as Error).message, 'the disk is full');
  });

  it('refuses a model that is not there', async (t) => {
    const { start } = benches(t);
    await assert.rejects(
      start({ modelSha256: 'f'.repeat(64) }),
      (error: Error) =>
        error instanceof InferenceInputError && /there is no model ffff.*: upload it first/.test(error.message),
    );
  });
});

describe('an int8 variant', () => {
  const precisions: BenchRequestBody['precisions'] = ['float32', 'int8'];

  it('is made before anything is measured, written, and only where it is asked for', async (t) => {
    const { start, searched, searches, saves, service } = benches(t);
    const { id } = await start({ precisions });
    await searched(1);
    const int8 = {
      modelSha256: '1'.padStart(64, '0'),
      modelBytes: int8Model.length,
      signature: signatureOf(readOnnx(int8Model)),
    };
    assert.deepEqual([service.find(id)?.int8, searches[0]?.request.variants], [int8, { int8 }]);
    assert.deepEqual(saves, ['running: running 0', 'running with int8: running 0']);
    const plain = await start();
    await searched(2);
    assert.deepEqual([plain.int8, searches[1]?.request.variants], [null, undefined]);
  });

  it('is left out with the reason where the model cannot be quantised; a fault fails its searches', async (t) => {
    const failing = (name: string) => () => Promise.reject(Object.assign(new Error('no convolution'), { name }));
    const without = benches(t, { quantise: failing('QuantiseError') });
    const view = await without.start({ precisions });
    await without.searched(1);
    assert.deepEqual(view.int8, { reason: 'no convolution' });
    const broken = benches(t, { quantise: failing('TypeError') });
    const { id } = await broken.start({ precisions });
    const ended = await broken.ended(id);
    assert.deepEqual(
      [ended?.devices[0]?.state, ended?.devices[0]?.reason, ended?.int8],
      ['failed', 'no convolution', null],
    );
    assert.equal(broken.searches.length, 0);
  });

  it('is not made again after a restart', async (t) => {
    const first = benches(t);
    const { id } = await first.start({ precisions });
    await first.searched(1);
    const record = structuredClone(first.kept.get(id)) as BenchRecord;
    const second = benches(t, { records: [record] });
    second.service.resume();
    await second.searched(1);
    assert.deepEqual(second.dimensions, []);
  });
});

describe('after a restart', () => {
  it('a bench goes on on the devices that had not ended, from what it had measured itself', async (t) => {
    const first = benches(t);
    const { id } = await first.start({ devices: ['device-1', 'device-2'] });
    await first.searched(2);
    await first.on('device-1').answer(own());
    first.on('device-2').onMeasured(storedMeasurement({ id: 'm-1' }), 'measured');
    first.on('device-2').onMeasured(storedMeasurement({ id: 'm-2' }), 'reused-class');
    await turn();
    const record = structuredClone(first.kept.get(id)) as BenchRecord;
    assert.deepEqual([record.view.devices[1]?.measured, record.view.devices[1]?.reused], [1, 1]);
    const ended = structuredClone(record);
    Object.assign(ended.view, { id: 'b-ended', state: 'cancelled' });
    const second = benches(t, { records: [record, ended] });
    second.service.resume();
    await second.searched(1);
    assert.deepEqual(second.devices(), ['device-2']);
    const search = second.on('device-2');
    for (const name of ['m-1', 'm-2', 'm-3'])
      search.onMeasured(storedMeasurement({ id: name }), name === 'm-2' ? 'reused-class' : 'measured');
    await search.answer(own('d-000000000002'));
    const [, entry] = (await second.ended(id))?.devices ?? [];
    assert.deepEqual(
      [entry?.measured, entry?.reused, entry?.measurements.map(({ id: of }) => of)],
      [2, 1, ['m-1', 'm-2', 'm-3']],
    );
  });

  it('what had come until the coordinator ended is there, and nobody waits for it', async (t) => {
    const { start, searched, on, service, kept, saves } = benches(t);
    const { id } = await start();
    await searched(1);
    const closed = service.close();
    await on('device-1').fail(new Error('the coordinator ends'));
    await closed;
    await turn();
    assert.deepEqual([kept.get(id)?.view.state, kept.get(id)?.view.devices[0]?.state], ['running', 'running']);
    assert.equal(saves.length, 2);
    assert.equal(service.find(id)?.state, 'running');
  });
});
