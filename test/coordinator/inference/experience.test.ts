import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { architectureGroup, createExperience } from '../../../coordinator/inference/experience.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { measurementAt, storedMeasurement } from '../../support/measurement.ts';
import { device, memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

test('a model that was cleaned up and comes back is looked at again, one that is at hand only once', async () => {
  let [isThere, reads] = [false, 0];
  const blobs = {
    get: async () => {
      reads++;
      if (!isThere) throw new Error('no such blob');
      return convModel();
    },
  };
  const { architectureOf } = createExperience({ blobs, history: memoryHistory() });
  const model = { signature: 'abc', modelSha256: 'a'.repeat(64) };
  assert.equal(await architectureOf(model), null);
  isThere = true;
  const found = await architectureOf(model);
  assert.ok(found && found.length > 0);
  assert.equal(await architectureOf(model), found);
  assert.equal(reads, 2);
});

test('a model that is none is no architecture, once and for all; without models there are none', async () => {
  let reads = 0;
  const blobs = { get: async () => new Uint8Array([reads++, 2, 3]) };
  const { architectureOf } = createExperience({ blobs, history: memoryHistory() });
  const model = { signature: 'abc', modelSha256: 'a'.repeat(64) };
  assert.deepEqual([await architectureOf(model), await architectureOf(model), reads], [null, null, 1]);
  assert.equal(await createExperience({ history: memoryHistory() }).architectureOf(model), null);
});

test('what goes wrong besides is not hidden', async () => {
  const blobs = { get: async () => 'no bytes at all' as never };
  await assert.rejects(
    createExperience({ blobs, history: memoryHistory() }).architectureOf({ signature: 'a', modelSha256: 'b' }),
    /illegal buffer/,
  );
});

test('variants of a model have its work in common', () => {
  assert.equal(architectureGroup([12, 3]), architectureGroup([12, 4]));
  assert.notEqual(architectureGroup([12, 3]), architectureGroup([13, 3]));
});

describe('what is learned from', () => {
  const request = {
    signature: 'own',
    modelSha256: 'a'.repeat(64),
    variants: { int8: { signature: 'own int8', modelSha256: 'b'.repeat(64), modelBytes: 1 } },
    device: device(),
    scenario: { kind: 'single-stream' },
  } as unknown as InferenceRequest;
  const blobs = { get: async (sha256: string) => convModel({ layers: 1 + (Number(sha256) % 30) }) };
  const stored = (signature: string, latencyMs: number, change: object = {}) =>
    storedMeasurement({ ...measurementAt(latencyMs), signature, modelSha256: '3', deviceClass: 'pi', ...change });

  async function latencies(measurements: ReturnType<typeof stored>[], of: InferenceRequest = request) {
    const history = memoryHistory();
    for (const measurement of measurements) history.save(measurement);
    const examples = await createExperience({ blobs, history }).examples(of);
    return examples('latency.p50');
  }

  it('is what other architectures have shown on this class under this scenario', async () => {
    const found = await latencies([
      stored('other', 1),
      stored('own', 2),
      stored('own int8', 3),
      stored('other', 4, { outcome: 'out-of-memory' }),
      stored('other', 5, { deviceClass: 'orin' }),
      stored('other', 6, { scenario: { kind: 'offline' } }),
      stored('another', 7, { config: inferenceConfigSchema.parse({ batchSize: 4, threads: 2 }) }),
    ]);
    assert.deepEqual(
      found.map(({ value, config }) => [value, config.batchSize]),
      [
        [7, 4],
        [1, 1],
      ],
    );
    const { architecture, group } = found[0] as (typeof found)[0];
    assert.equal(group, architectureGroup(architecture));
  });

  it('is the latest eight of each architecture, and a hundred and twenty together', async () => {
    const many = (signature: string, count: number) =>
      Array.from({ length: count }, (_, at) => stored(signature, 1 + at));
    const found = await latencies([...many('a', 9), ...many('b', 20)]);
    const expected = [20, 19, 18, 17, 16, 15, 14, 13, 9, 8, 7, 6, 5, 4, 3, 2];
    assert.deepEqual(
      found.map(({ value }) => value),
      expected,
    );
    const wide = await latencies(Array.from({ length: 121 }, (_, index) => stored(`g${index}`, 1 + index)));
    assert.deepEqual([wide.length, wide[0]?.value, wide.at(-1)?.value], [120, 121, 2]);
  });

  it('is no metric that was not measured, or is 0, and nothing of a device without a class', async () => {
    assert.deepEqual(await latencies([stored('other', 1, { latencyMs: null })]), []);
    assert.deepEqual(await latencies([stored('other', 0)]), []);
    const history = memoryHistory();
    history.save(stored('other', 1));
    const unknown = { ...request, device: { ...device(), deviceClass: null } };
    assert.deepEqual((await createExperience({ blobs, history }).examples(unknown))('latency.p50'), []);
    const { recent: _, ...forgetful } = memoryHistory();
    assert.deepEqual((await createExperience({ blobs, history: forgetful }).examples(request))('latency.p50'), []);
  });

  it('is nothing of a model that cannot be looked at any more', async () => {
    const history = memoryHistory();
    history.save(stored('other', 1));
    const gone = { get: async () => Promise.reject(new Error('no such blob')) };
    assert.deepEqual((await createExperience({ blobs: gone, history }).examples(request))('latency.p50'), []);
  });

  it('is also what boards of this model have shown in other classes, the own architecture among it, marked with the class', async () => {
    const now = { ...request, device: device('d-000000000001', 'pi | MAXN') };
    const found = await latencies(
      [
        stored('other', 1, { deviceClass: 'pi | MAXN' }),
        stored('other', 2, { deviceClass: 'pi | 15W' }),
        stored('own', 3, { deviceClass: 'pi | 15W' }),
        stored('other', 4, { deviceClass: 'pi | 15W', outcome: 'invalid' }),
        stored('other', 5, { deviceClass: 'pi-2 | 15W' }),
        stored('other', 6, { deviceClass: 'pi | 15W', scenario: { kind: 'offline' } }),
      ],
      now,
    );
    assert.deepEqual(
      found.map(({ value, otherClass }) => [value, otherClass]),
      [
        [1, undefined],
        [3, 'pi | 15W'],
        [2, 'pi | 15W'],
      ],
    );
    const simulated = { ...now.device, board: { ...now.device.board, simulated: { profile: 'pi' } } };
    const ofSimulated = await latencies(
      [stored('other', 1, { deviceClass: 'pi | MAXN' }), stored('other', 2, { deviceClass: 'pi | 15W' })],
      { ...now, device: simulated } as unknown as InferenceRequest,
    );
    assert.deepEqual(
      ofSimulated.map(({ value }) => value),
      [1],
    );
  });
});
