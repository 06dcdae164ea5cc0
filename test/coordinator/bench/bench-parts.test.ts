/** What a bench asks of a device, and what it makes of the answers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { BenchDevice, BenchView } from '@edgetune/shared/protocol/bench.ts';
import { InferenceInputError, type JoinedDevice, joined } from '../../../coordinator/bench/bench-input.ts';
import { benchParameters } from '../../../coordinator/bench/bench-parameters.ts';
import type { BenchPlan } from '../../../coordinator/bench/bench-repository.ts';
import { searchDevice } from '../../../coordinator/bench/search-device.ts';
import type {
  InferenceRequest,
  InferenceResult,
  InferenceServer,
} from '../../../coordinator/inference/inference-server.ts';
import { measurementBudget } from '../../../coordinator/inference/search/config-search.ts';
import { storedMeasurement } from '../../support/measurement.ts';
import { device } from '../inference/support/board.ts';

const plan: BenchPlan = {
  ...{ modelSha256: 'a'.repeat(64), modelName: 'm.onnx', devices: ['device-1'], scenario: { kind: 'offline' } },
  ...{ objectives: [parseObjective('latency.p99')], constraints: [parseConstraint('memory <= 1 GB')] },
  ...{ batchSizes: [4, 1, 2, 10, 4], precisions: ['int8', 'float32', 'int8'], dimensions: { tokens: 16 } },
};
const boardWith = (change: object): JoinedDevice =>
  ({ ...device(), board: { ...device().board, ...change } }) as JoinedDevice;

describe('the configs of a bench', () => {
  const level = 'inference';
  const batches = { name: 'batchSize', level, type: 'ordinal', values: [1, 2, 4, 10] };
  const precision = { name: 'precision', level, type: 'categorical', choices: ['int8', 'float32'] };

  it('are each batch size and precision once, and every number of threads that the board has cores for', () => {
    assert.deepEqual(benchParameters(plan, boardWith({ logicalCores: 3 })), [
      batches,
      { name: 'threads', level, type: 'ordinal', values: [1, 2, 3] },
      precision,
    ]);
    assert.deepEqual(benchParameters({ ...plan, threads: [8, 2, 10, 8] }, boardWith({}))[1], {
      ...{ name: 'threads', level, type: 'ordinal', values: [2, 8, 10] },
    });
  });

  it('have clocks only where the board may set them', () => {
    assert.deepEqual(benchParameters(plan, boardWith({ settableClocksKHz: [1_500_000, 600_000, 1_000_000] }))[3], {
      ...{ name: 'clockKHz', level, type: 'ordinal', values: [600_000, 1_000_000, 1_500_000] },
    });
    assert.equal(benchParameters(plan, boardWith({ settableClocksKHz: [600_000] })).length, 4);
  });
});

describe('a device', () => {
  it('is taken when it has joined, and refused with what to do else', () => {
    const there = device();
    assert.equal(joined('device-1', there), there);
    const refused = (message: RegExp) => (error: Error) =>
      error instanceof InferenceInputError && message.test(error.message);
    assert.throws(() => joined('nobody', null), refused(/no device "nobody": "edgetune device list" shows the fleet/));
    assert.throws(
      () => joined('pi', { ...there, board: null }),
      refused(/pi has not joined yet: run the command of "edgetune device add" on it/),
    );
  });
});

describe('the search of a device', () => {
  const view = {
    ...{ modelSha256: 'a'.repeat(64), modelBytes: 100, signature: 'w', int8: null },
  } as unknown as BenchView;
  const best = storedMeasurement({ id: 'best', deviceId: device().id });
  const found = (change: Partial<InferenceResult> = {}): InferenceResult => ({
    ...{ best, feasible: true, violation: 0, all: [], front: [], reason: null, ...change },
  });
  const emptyEntry = () => ({ measurements: [], measured: 0, reused: 0 }) as unknown as BenchDevice;

  /** Searches a device that answers so, one answer after another. */
  async function search(
    answers: InferenceResult[],
    change: { request?: Partial<BenchPlan>; view?: object; own?: string[] } = {},
  ) {
    const requests: InferenceRequest[] = [];
    const entry = emptyEntry();
    const counts: string[] = [];
    const { signal } = new AbortController();
    const inference: InferenceServer = {
      async tune(request, onMeasured, given) {
        assert.equal(given, signal);
        requests.push(request);
        if (requests.length === 1) counts.push(`${entry.possible} ${entry.planned}`);
        onMeasured(storedMeasurement({ id: `m-${requests.length}` }), 'measured');
        onMeasured(storedMeasurement({ id: 'reused' }), 'reused-class');
        return answers[requests.length - 1] as InferenceResult;
      },
    };
    const record = { request: { ...plan, ...change.request }, view: { ...view, ...change.view } as BenchView };
    const search = { record, entry, device: boardWith({}), ownIds: new Set(change.own) };
    await searchDevice(
      inference,
      { ...search, onEntryChanged: () => counts.push(`${entry.measured}+${entry.reused}`) },
      signal,
    );
    return { requests, entry, counts };
  }

  it('asks for all that the bench wants, and nothing that it does not', async () => {
    const { requests } = await search([found()]);
    const request = {
      ...{ studyId: null, signature: 'w', modelSha256: 'a'.repeat(64), modelBytes: 100, device: device() },
      ...{ parameters: benchParameters(plan, boardWith({})), scenario: plan.scenario, objectives: plan.objectives },
      ...{ constraints: plan.constraints, dimensions: { tokens: 16 }, purpose: 'search', seed: 0 },
    };
    assert.deepEqual(requests, [request]);
    const int8 = { modelSha256: 'b'.repeat(64), modelBytes: 50, signature: 'i' };
    const limited = await search([found()], { request: { maxSeconds: 3 }, view: { int8 } });
    assert.deepEqual(limited.requests, [{ ...request, variants: { int8 }, maxMs: 3000 }]);
  });

  it('counts what was measured and what was known before, as it comes', async () => {
    const { entry, counts } = await search([found()]);
    // 4 batch sizes, 4 threads, 2 precisions.
    assert.deepEqual(counts, ['32 8', '1+0', '1+1']);
    assert.deepEqual(
      entry.measurements.map(({ id, from }) => [id, from]),
      [
        ['m-1', 'measured'],
        ['reused', 'reused-class'],
      ],
    );
    const own = await search([found()], { own: ['m-1'] });
    assert.deepEqual(
      [own.entry.measured, own.entry.reused, own.counts.length],
      [0, 1, 2],
      'what it has already is there',
    );
  });

  it('ends with the best config, how much was possible, or why there is none', async () => {
    const { entry } = await search([found({ possible: 16, feasible: false, reason: 'too slow' })]);
    assert.deepEqual([entry.state, entry.best, entry.feasible, entry.reason], ['finished', best, false, 'too slow']);
    assert.deepEqual([entry.possible, entry.planned], [16, measurementBudget(16)]);
    const none = await search([found({ best: null, feasible: false, reason: 'out of memory' })]);
    assert.deepEqual([none.entry.state, none.entry.best, none.entry.reason], ['failed', null, 'out of memory']);
    assert.deepEqual([none.requests.length, none.entry.possible], [1, 32]);
  });

  it('measures on the device itself what another one of its class has shown', async () => {
    const other = storedMeasurement({ id: 'other', deviceId: 'd-2' });
    const { requests, entry } = await search([found({ best: other }), found()]);
    assert.deepEqual(
      requests.map(({ purpose }) => purpose),
      ['search', 'confirm'],
    );
    assert.deepEqual({ ...requests[1], purpose: 'search' }, requests[0]);
    assert.deepEqual([entry.best?.id, entry.measured, entry.reused], ['best', 2, 2]);
  });
});
