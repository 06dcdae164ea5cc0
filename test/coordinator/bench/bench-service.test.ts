import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { mistakesIn } from '@edgetune/shared/domain/schema-mistakes.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { OnnxError } from '@edgetune/shared/onnx/onnx-error.ts';
import { readOnnx } from '@edgetune/shared/onnx/read-onnx.ts';
import { type BenchRequestBody, benchRequestSchema, benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { benchCsv, benchMarkdown } from '@edgetune/shared/protocol/bench-report.ts';
import type { BenchRecord } from '../../../coordinator/bench/bench-repository.ts';
import { createBenchService } from '../../../coordinator/bench/create-bench-service.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import { inspectModel } from '../../../coordinator/inference/inspector/inspect-model.ts';
import { openStore } from '../../../coordinator/store/store.ts';
import { openImageModel, ratedModel, timeFirstModel } from '../../support/brought-models.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tokensModel } from '../../support/tokens-model.ts';
import { Arrival, turn, until } from '../../support/waiting.ts';
import { board, device } from '../inference/support/board.ts';
import { convModel } from '../inference/support/conv-model.ts';

const model = convModel();

/** A model of one node of those that quantised models are made of. */
const quantisedModel = (opType: string) =>
  buildOnnx({
    inputs: [{ name: 'x', shape: ['batch', 4] }],
    outputs: ['y'],
    nodes: [{ opType, inputs: ['x'], outputs: ['y'], name: `a ${opType}` }],
  });

/** A bench service on a store of its own, or on that of an earlier one (a coordinator that starts again). */
async function bench(
  t: TestContext,
  latencyMs: (batch: number, threads: number) => number,
  directory = temporaryFolder(t),
  quantise = async (onnx: Uint8Array) => {
    if (onnx.length > model.length) throw Object.assign(new Error('too large'), { name: 'QuantiseError' });
    return convModel({ channels: 4 });
  },
) {
  const { measure, jobs } = board(({ config }) => latencyMs(config.batchSize, config.threads));
  const store = openStore(directory);
  /** Measurements in the record, each time that it was written. */
  const saves: number[] = [];
  /** Why nothing can be written; null: it can. */
  const disk = { failure: null as Error | null };
  const log: string[] = [];
  const timers: { ms: number; callback: () => void }[] = [];
  const save = (record: BenchRecord) => {
    if (disk.failure) return Promise.reject(disk.failure);
    saves.push(record.view.devices.reduce((sum, { measurements }) => sum + measurements.length, 0));
    return store.benches.save(record);
  };
  const service = createBenchService({
    inspector: { inspect: async (request) => inspectModel(request) },
    inference: createInferenceServer({ measure, history: store.measurements }),
    device: (name) => (name === 'device-1' ? device() : name === 'device-2' ? device('d-000000000002') : null),
    troubles: store.troubles,
    benches: { ...store.benches, add: save, save },
    quantise,
    blobs: store.blobs,
    log: plainLogger((line) => log.push(line)),
    after: (ms, callback) => timers.push({ ms, callback }),
  });
  let open = true;
  const close = async () => {
    if (open) await service.close();
    if (open) store.close();
    open = false;
  };
  t.after(close);
  const { modelSha256 } = await service.accept(model);
  const start = (change: Partial<BenchRequestBody> = {}) =>
    service.start(benchRequestSchema.parse({ modelSha256, devices: ['device-1'], ...change }));
  const finished = async (id: string) => {
    await until('the bench to end', () => service.find(id)?.state !== 'running', { everyTurn: true });
    return benchViewSchema.parse(service.find(id));
  };
  return { service, store, saves, jobs, start, finished, directory, close, disk, log, timers };
}

describe('a bench', () => {
  it('recommends a config per device, within constraints as people write them', async (t) => {
    const { start, finished } = await bench(t, (batch, threads) => 2 + (8 * batch) / threads);
    const view = await finished(
      (await start({ objectives: ['maximize throughput'], constraints: ['latency.p99 <= 20 ms'] })).id,
    );
    const [entry] = view.devices;
    assert.deepEqual(
      [entry?.state, entry?.feasible, entry?.best?.config.batchSize, entry?.best?.config.threads],
      ['finished', true, 8, 4],
    );
    assert.equal(entry?.possible, 24);
    assert.equal(entry?.measured, entry?.measurements.length);
  });

  it('reports as Markdown and CSV, saying that figures are simulated', async (t) => {
    const { start, finished } = await bench(t, (batch) => batch);
    const view = await finished((await start({ modelName: 'a,b.onnx' })).id);
    assert.match(benchMarkdown(view), /\| device-1 \| 1 \| \d \| auto \| float32 .* simulated \|/);
    const rows = benchCsv(view).trimEnd().split('\r\n');
    assert.equal(rows.length, 1 + (view.devices[0]?.measurements.length ?? 0));
    assert.equal(rows.filter((row) => row.endsWith(',yes')).length, 1);
  });

  it('passes the sizes of dimensions on, and never mixes sizes in the history', async (t) => {
    const { service, start, finished, jobs } = await bench(t, (batch) => batch);
    const { modelSha256 } = await service.accept(tokensModel());
    await finished((await start({ modelSha256, dimensions: { tokens: 16 } })).id);
    const before = jobs.length;
    await finished((await start({ modelSha256, dimensions: { tokens: 32 } })).id);
    assert.ok(jobs.length > before);
    assert.deepEqual(jobs.at(-1)?.dimensions, { tokens: 32 });
  });

  it('leaves out sizes of dimensions that the model does not have', async (t) => {
    const { start, finished, jobs } = await bench(t, (batch) => batch);
    await finished((await start()).id);
    const before = jobs.length;
    const view = await finished((await start({ dimensions: { tokens: 16 } })).id);
    assert.deepEqual([view.dimensions, jobs.length], [{}, before], 'all of it was known');
  });

  it('refuses what it cannot start, with the reason', async (t) => {
    const { start, service } = await bench(t, () => 1);
    await assert.rejects(start({ devices: ['nobody'] }), /there is no device "nobody"/);
    await assert.rejects(start({ modelSha256: 'b'.repeat(64) }), /upload it first/);
    await assert.rejects(service.accept(new TextEncoder().encode('<html>')), OnnxError);
    const { modelSha256 } = await service.accept(model);
    assert.throws(
      () => benchRequestSchema.parse({ modelSha256, devices: ['a'], constraints: ['latency <= 3 kg'] }),
      /kg/,
    );
  });

  it('refuses what it cannot judge: metrics of training or of the file, and devices that are not its own', async (t) => {
    const { start, service } = await bench(t, (batch) => batch);
    for (const [change, words] of [
      [{ constraints: ['modelSize <= 1 MB'] }, /"modelSize <= 1 MB": a bench trains nothing .* latency.p50/],
      [{ objectives: ['latency', 'maximize accuracy'] }, /"maximize accuracy": a bench trains nothing/],
      [{ objectives: ['edgetune.time'] }, /"minimize edgetune.time.*": a bench trains nothing/],
      [{ constraints: ['latency <= 1 s on devise-1'] }, /devise-1 is not one of the bench's devices \(device-1\)/],
      [{ objectives: ['minimize latency on device-2'] }, /device-2 is not one of the bench's devices/],
    ] as [Partial<BenchRequestBody>, RegExp][])
      await assert.rejects(
        start(change),
        (error: Error) => error.name === 'InferenceInputError' && words.test(error.message),
      );
    assert.deepEqual(service.list(), []);
    await start({ objectives: ['minimize energy on device-1'], constraints: ['memory <= 1 GB'] });
  });

  it('refuses keys that say nothing, and takes objectives and constraints as a study writes them', () => {
    const least = { modelSha256: 'a'.repeat(64), devices: ['pi'] };
    const mistakes = (change: object) =>
      mistakesIn(benchRequestSchema.safeParse({ ...least, ...change }).error as never);
    for (const [change, path] of [
      [{ batchsizes: [1] }, 'batchsizes'],
      [{ scenario: { kind: 'offline', samples: 1 } }, 'scenario.samples'],
      [{ constraints: [{ metric: 'memory', operator: '<=', limit: 1, unit: 'MB' }] }, 'constraints.0.unit'],
    ] as const)
      assert.deepEqual(
        mistakes(change).map((mistake) => mistake.path.join('.')),
        [path],
      );
    const constraint = { metric: 'memory', operator: '<=', limit: 1 } as const;
    assert.deepEqual(benchRequestSchema.parse({ ...least, constraints: [constraint] }).constraints, [constraint]);
  });

  it('says what it must be told of a model, and asks for it', async (t) => {
    const { service, start } = await bench(t, () => 1);
    const accepted = await service.accept(tokensModel());
    assert.deepEqual([accepted.fixedBatch, accepted.openDimensions], [null, ['tokens']]);
    const { modelSha256 } = accepted;
    await assert.rejects(start({ modelSha256 }), /leaves "tokens" open: give each a size/);
  });

  it('takes shapes, the batch by the user’s word and numbers for inputs, and writes them into the model', async (t) => {
    const { service, start, finished, jobs, store } = await bench(t, (batch) => batch);
    const image = await service.accept(openImageModel());
    assert.deepEqual([image.unnamedInputs, image.assumptions.length], [['x'], 1]);
    const { modelSha256 } = image;
    await assert.rejects(
      start({ modelSha256 }),
      /leaves axes of "x" open and unnamed \(\[\?,3,\?,\?\]\): give its whole shape \(--shape x=/,
    );
    const swept = await finished((await start({ modelSha256, shapes: { x: ['batch', 3, 8, 9] } })).id);
    assert.ok(new Set(jobs.map(({ config }) => config.batchSize)).size > 1);
    assert.notEqual(swept.modelSha256, modelSha256);
    assert.ok(service.blobsInUse().includes(swept.modelSha256));
    assert.deepEqual(readOnnx(await store.blobs.get(swept.modelSha256)).inputs[0]?.shape, ['batch', 3, 8, 9]);
    jobs.length = 0;
    const one = await finished((await start({ modelSha256, shapes: { x: [2, 3, 8, 9] } })).id);
    assert.deepEqual([...new Set(jobs.map(({ config }) => config.batchSize))], [2]);
    assert.notEqual(one.signature, swept.signature);
    await assert.rejects(start({ modelSha256, shapes: { y: [1] } }), /--shape y: the model has no input of that name/);

    const rated = await service.accept(ratedModel());
    await assert.rejects(start({ modelSha256: rated.modelSha256, inputValues: { rate: 0.5 } }), /0.5 is no int64/);
    const given = await finished((await start({ modelSha256: rated.modelSha256, inputValues: { rate: 16000 } })).id);
    assert.deepEqual(
      readOnnx(await store.blobs.get(given.modelSha256)).inputs.map(({ name }) => name),
      ['x'],
    );
  });

  it('sweeps what the model calls the batch, on whatever axis, and says what it takes for granted', async (t) => {
    const { service, start, finished, jobs } = await bench(t, (batch) => batch);
    const { modelSha256 } = await service.accept(timeFirstModel());
    await finished((await start({ modelSha256, dimensions: { time: 20 }, batchSizes: [1, 4] })).id);
    assert.deepEqual(jobs.at(-1)?.dimensions, { time: 20 });
    assert.deepEqual([...new Set(jobs.map(({ config }) => config.batchSize))].sort(), [1, 4]);
    const fixed = await finished((await start({ modelSha256, dimensions: { time: 20, batch: 3 } })).id);
    assert.deepEqual([...new Set(fixed.devices[0]?.measurements.map(({ config }) => config.batchSize))], [3]);
    const unnamed = await service.accept(openImageModel([null, 3, 8, 8]));
    const view = await finished((await start({ modelSha256: unnamed.modelSha256 })).id);
    assert.deepEqual(view.assumptions, ['the first axis of "x" has no name: it is taken for the batch']);
    assert.match(benchMarkdown(view), /Assumed: the first axis of "x" has no name/);
  });

  it('searches with what another device of the class has shown, and recommends what it measured on this one', async (t) => {
    const { start, finished } = await bench(t, (batch, threads) => batch / threads);
    await finished((await start()).id);
    const [entry] = (await finished((await start({ devices: ['device-2'] })).id)).devices;
    assert.ok((entry?.reused ?? 0) > 0);
    assert.deepEqual([entry?.best?.deviceName, entry?.best?.config.threads], ['device-2', 4]);
    assert.ok((entry?.measured ?? 0) <= 2);
    assert.deepEqual([...new Set(entry?.measurements.map(({ from }) => from))], ['reused-class', 'measured']);
  });

  it('asks a model whose batch is fixed for no other', async (t) => {
    const { service, start, finished, jobs } = await bench(t, () => 1);
    const { modelSha256, fixedBatch } = await service.accept(convModel({ batch: 1 }));
    assert.equal(fixedBatch, 1);
    const view = await finished((await start({ modelSha256 })).id);
    assert.equal(view.devices[0]?.possible, 4);
    assert.ok(jobs.every(({ config }) => config.batchSize === 1));
    await assert.rejects(
      start({ modelSha256, batchSizes: [2, 4] }),
      /batch is fixed at 1: it cannot run batches of 2, 4/,
    );
  });

  it('runs an int8 variant where int8 is asked for, or says why there is none', async (t) => {
    const { service, start, finished, jobs } = await bench(t, (batch) => batch);
    const precisions = ['float32', 'int8'] as const;
    const view = await finished((await start({ precisions: [...precisions] })).id);
    assert.ok(view.int8 && 'modelSha256' in view.int8);
    const { modelSha256 } = view.int8;
    for (const job of jobs) assert.equal(job.modelSha256 === modelSha256, job.config.precision === 'int8');
    assert.ok(service.blobsInUse().includes(modelSha256));
    assert.match(benchMarkdown(view), /calibrated on random inputs/);
    const { modelSha256: large } = await service.accept(convModel({ layers: 3 }));
    const without = await finished((await start({ modelSha256: large, precisions: [...precisions] })).id);
    assert.ok(without.devices[0]?.measurements.every(({ config }) => config.precision === 'float32'));
    assert.deepEqual(
      [view, without].map(({ devices }) => devices[0]?.possible),
      [48, 24],
    );
    assert.match(benchMarkdown(without), /no int8 variant of the model: too large/);
  });

  it('does not measure a variant that is larger than the model, and says so', async (t) => {
    const { start, finished, jobs } = await bench(
      t,
      () => 1,
      temporaryFolder(t),
      async () => convModel({ layers: 2 }),
    );
    const view = await finished((await start({ precisions: ['float32', 'int8'] })).id);
    assert.ok(jobs.every(({ config }) => config.precision === 'float32'));
    assert.match(benchMarkdown(view), /The int8 variant is larger than the model \(3.44 kB, 1.03 kB\)/);
  });

  it('runs a model that is quantised already as it is, once, and says so', async (t) => {
    const quantise = () => assert.fail('nothing is quantised twice');
    const { service, start, finished, jobs } = await bench(t, () => 1, temporaryFolder(t), quantise);
    for (const opType of ['DequantizeLinear', 'DynamicQuantizeLinear', 'QLinearAdd', 'MatMulNBits']) {
      const { modelSha256, precision } = await service.accept(quantisedModel(opType));
      assert.equal(precision, 'int8', opType);
      for (const asked of [undefined, ['int8' as const], ['float32' as const, 'int8' as const]]) {
        const view = await finished((await start({ modelSha256, ...(asked ? { precisions: asked } : {}) })).id);
        assert.deepEqual([view.precision, view.int8, view.devices[0]?.state], ['int8', null, 'finished']);
        assert.match(benchMarkdown(view), /quantised already: it is measured as it is, in int8/);
      }
      assert.ok(jobs.every(({ config }) => config.precision === 'int8'));
      await assert.rejects(
        start({ modelSha256, precisions: ['float32'] }),
        new RegExp(`quantised already \\(node ".+" is a ${opType}\\): it computes in int8, not in float32`),
      );
    }
  });

  it('ends with the best so far when its time is up', async (t) => {
    const { start, finished } = await bench(t, (batch) => batch);
    const [entry] = (await finished((await start({ maxSeconds: 1e-9 })).id)).devices;
    assert.deepEqual([entry?.state, entry?.measured], ['finished', 1]);
  });

  it('ends at once when it is cancelled or deleted while its int8 variant is made', async (t) => {
    const made = new Arrival<Uint8Array>('the int8 variant');
    const quantise = () => made.wait();
    const { service, start, finished } = await bench(t, () => 1, temporaryFolder(t), quantise);
    const { id } = await start({ precisions: ['float32', 'int8'] });
    await turn();
    service.cancel(id);
    assert.equal((await finished(id)).state, 'cancelled');
    assert.equal(service.list()[0]?.state, 'cancelled');
    await service.remove(id);
    made.come(convModel({ layers: 2 }));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    assert.deepEqual([service.list(), service.find(id)], [[], null]);
  });

  it('writes each measurement down when it is made', async (t) => {
    const { start, finished, saves, jobs } = await bench(t, (batch, threads) => batch / threads);
    await finished((await start()).id);
    assert.ok(jobs.length > 3);
    for (let count = 1; count <= jobs.length; count++) assert.ok(saves.includes(count), String(count));
  });

  it('knows after two restarts what it has measured itself', async (t) => {
    const latency = (batch: number, threads: number) => batch / threads;
    const first = await bench(t, latency);
    const { id } = await first.start();
    await until('three jobs', () => first.jobs.length >= 3, { everyTurn: true });
    await first.close();
    const known = first.saves.at(-1) ?? 0;
    assert.ok(known >= 2, 'also what came since the last time is written at the end');
    const second = await bench(t, latency, first.directory);
    second.service.resume();
    await second.close();
    const third = await bench(t, latency, first.directory);
    third.service.resume();
    const [entry] = (await third.finished(id)).devices;
    assert.deepEqual([entry?.reused, entry?.measured], [0, known + second.jobs.length + third.jobs.length]);
    assert.equal(new Set(entry?.measurements.map(({ id }) => id)).size, entry?.measurements.length);
  });

  it('ends, and says how, also where that cannot be written yet; it is written when it can be', async (t) => {
    const { service, store, start, finished, disk, log, timers } = await bench(t, (batch, threads) => batch / threads);
    const { id } = await start();
    disk.failure = new Error('the disk is full');
    const view = await finished(id);
    assert.deepEqual([view.state, view.devices[0]?.state], ['finished', 'failed'], 'nobody has cancelled it');
    assert.match(view.devices[0]?.reason ?? '', /the disk is full/);
    assert.equal(service.list()[0]?.state, 'finished');
    await until('a word in the log', () => log.some((line) => /is not written yet.*the disk is full/.test(line)));
    await turn();
    assert.deepEqual([service.find(id)?.state, store.benches.get(id)?.view.state], ['finished', 'running']);
    assert.deepEqual(
      timers.map(({ ms }) => ms),
      [10_000],
    );
    timers.pop()?.callback();
    await turn();
    assert.equal(timers.length, 1, 'it is still full');
    assert.equal(log.filter((line) => line.includes('is not written yet')).length, 1);
    disk.failure = null;
    timers.pop()?.callback();
    await until('it to be written', () => store.benches.get(id)?.view.state === 'finished');
    assert.deepEqual(timers, []);
    assert.equal(service.find(id)?.state, 'finished');
  });

  it('one that is deleted before its end is written stays deleted', async (t) => {
    const { service, store, start, finished, disk, timers } = await bench(t, () => 1);
    const { id } = await start({ batchSizes: [1], threads: [1] });
    disk.failure = new Error('the disk is full');
    assert.equal((await finished(id)).state, 'finished', 'it had nothing more to measure');
    await until('it to wait for the disk', () => timers.length > 0);
    await turn();
    await service.remove(id);
    disk.failure = null;
    timers.pop()?.callback();
    await turn();
    await store.jobs.written();
    assert.deepEqual([service.find(id), service.list(), store.benches.list()], [null, [], []]);
  });

  it('stops when it is cancelled', async (t) => {
    const { service, start, finished } = await bench(t, (batch) => batch);
    const { id } = await start();
    service.cancel(id);
    const view = await finished(id);
    assert.deepEqual([view.state, view.devices[0]?.state], ['cancelled', 'cancelled']);
  });

  it('is there after a restart, with its model; one that ran goes on and measures nothing twice', async (t) => {
    const first = await bench(t, (batch, threads) => batch / threads);
    const done = await first.finished((await first.start()).id);
    const { id } = await first.start({ scenario: { kind: 'offline' } });
    const measured = () => first.service.find(id)?.devices[0]?.measurements.length ?? 0;
    await until('two measurements', () => measured() >= 2, { everyTurn: true });
    await first.close();

    const second = await bench(t, (batch, threads) => batch / threads, first.directory);
    assert.deepEqual(second.service.find(done.id), done);
    assert.deepEqual(
      second.service.blobsInUse().filter((sha256) => sha256 !== done.modelSha256),
      [],
    );
    const before = second.service.find(id)?.devices[0]?.measurements.length ?? 0;
    second.service.resume();
    const view = await second.finished(id);
    const [entry] = view.devices;
    assert.deepEqual([view.state, entry?.state, entry?.reused], ['finished', 'finished', 0]);
    assert.equal(entry?.measured, before + second.jobs.length);
    assert.ok(before >= 2 && second.jobs.length > 0);
    assert.deepEqual(
      second.service.list().map(({ id, state, measurements }) => [id, state, measurements]),
      [
        [id, 'finished', entry?.measurements.length],
        [done.id, 'finished', done.devices[0]?.measurements.length],
      ],
    );
    await second.service.remove(done.id);
    assert.equal(second.service.find(done.id), null);
  });
});
