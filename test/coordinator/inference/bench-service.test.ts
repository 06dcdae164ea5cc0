import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type BenchRequestBody, benchRequestSchema, benchViewSchema } from '@edgetune/shared/protocol/bench.ts';
import { benchCsv, benchMarkdown } from '@edgetune/shared/protocol/bench-report.ts';
import { createBenchService } from '../../../coordinator/inference/create-bench-service.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import { board, device, memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

const model = convModel();
const modelSha256 = createHash('sha256').update(model).digest('hex');

function bench(latencyMs: (batch: number, threads: number) => number) {
  const { measure, jobs } = board(({ config }) => latencyMs(config.batchSize, config.threads));
  const service = createBenchService({
    inference: createInferenceServer({ measure, history: memoryHistory() }),
    device: (name) => (name === 'device-1' ? device() : null),
    blobs: {
      get: async (sha256) => {
        if (sha256 !== modelSha256) throw new Error('no such blob');
        return model;
      },
    },
    log: () => {},
  });
  const start = (change: Partial<BenchRequestBody> = {}) =>
    service.start(benchRequestSchema.parse({ modelSha256, devices: ['device-1'], ...change }));
  const finished = async (id: string) => {
    while (service.find(id)?.state === 'running') await turn();
    return benchViewSchema.parse(service.find(id));
  };
  return { service, jobs, start, finished };
}

describe('a bench', () => {
  it('recommends a config per device, within constraints as people write them', async () => {
    const { start, finished } = bench((batch, threads) => 2 + (8 * batch) / threads);
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

  it('reports as Markdown and CSV, saying that figures are simulated', async () => {
    const { start, finished } = bench((batch) => batch);
    const view = await finished((await start({ modelName: 'a,b.onnx' })).id);
    assert.match(benchMarkdown(view), /\| device-1 \| 1 \| \d \| auto \| float32 .* simulated \|/);
    const rows = benchCsv(view).trimEnd().split('\r\n');
    assert.equal(rows.length, 1 + (view.devices[0]?.measurements.length ?? 0));
    assert.equal(rows.filter((row) => row.endsWith(',yes')).length, 1);
  });

  it('passes the sizes of dimensions on, and never mixes sizes in the history', async () => {
    const { start, finished, jobs } = bench((batch) => batch);
    await finished((await start({ dimensions: { tokens: 16 } })).id);
    const before = jobs.length;
    await finished((await start({ dimensions: { tokens: 32 } })).id);
    assert.ok(jobs.length > before);
    assert.deepEqual(jobs.at(-1)?.dimensions, { tokens: 32 });
  });

  it('refuses what it cannot start, with the reason', async () => {
    const { start } = bench(() => 1);
    await assert.rejects(start({ devices: ['nobody'] }), /there is no device "nobody"/);
    await assert.rejects(start({ modelSha256: 'b'.repeat(64) }), /upload it first/);
    assert.throws(
      () => benchRequestSchema.parse({ modelSha256, devices: ['a'], constraints: ['latency <= 3 kg'] }),
      /kg/,
    );
  });

  it('stops when it is cancelled', async () => {
    const { service, start, finished } = bench((batch) => batch);
    const { id } = await start();
    service.cancel(id);
    const view = await finished(id);
    assert.deepEqual([view.state, view.devices[0]?.state], ['cancelled', 'cancelled']);
  });
});
