import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferenceConfigSchema } from '@edgetune/shared/domain/inference-config.ts';
import { RUNS_PER_SEARCH } from '@edgetune/shared/domain/rate-search.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { JobFailedError } from '../../../coordinator/fleet/fleet.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { Measurer } from '../../../coordinator/inference/measurer.ts';
import { board, device, memoryHistory } from './support/board.ts';

const CONFIG = inferenceConfigSchema.parse({ batchSize: 2, threads: 1 });
const INT8 = inferenceConfigSchema.parse({ batchSize: 2, threads: 1, precision: 'int8' });
const request = (change: object = {}): InferenceRequest =>
  ({
    ...{ studyId: 's', signature: 'g', modelSha256: 'a'.repeat(64), modelBytes: 4, parameters: [] },
    ...{ device: device(), scenario: { kind: 'single-stream' }, purpose: 'search', seed: 7 },
    ...{ objectives: [], constraints: [] },
    ...change,
  }) as InferenceRequest;
const never = new AbortController().signal;

function measurerOn(latencyMsOf: (job: MeasureRequest) => number | Error, stopRule: object = {}) {
  const { measure, jobs } = board(latencyMsOf);
  const history = memoryHistory();
  return { measurer: new Measurer({ measure, history, stopRule }), history, jobs };
}

describe('a measurement', () => {
  it('is made by a job that says all, and kept', async () => {
    const { measurer, history, jobs } = measurerOn(() => 10, { minDurationMs: 300, maxDurationMs: 900 });
    const answer = await measurer.obtain(request(), CONFIG, never);
    assert.ok('measurement' in answer);
    assert.deepEqual([answer.source, answer.measurement], ['measured', history.saved[0]]);
    const { stopRule, ...job } = jobs[0] as MeasureRequest;
    assert.deepEqual(job, {
      ...{ kind: 'measure', modelSha256: 'a'.repeat(64), modelBytes: 4, signature: 'g', config: CONFIG },
      ...{ scenario: { kind: 'single-stream' }, dimensions: {}, memoryLimitBytes: null, seed: 7 },
    });
    assert.deepEqual([stopRule.minDurationMs, stopRule.maxDurationMs], [300, 900]);
    await measurer.obtain(request({ dimensions: { tokens: 8 }, signature: 'other' }), CONFIG, never);
    assert.deepEqual(jobs[1]?.dimensions, { tokens: 8 });
  });

  it('of a server whose highest rate is sought may take several runs', async () => {
    const { measurer, jobs } = measurerOn(() => 10, { maxDurationMs: 900 });
    const under = (scenario: object) => measurer.obtain(request({ scenario }), CONFIG, never);
    await under({ kind: 'server', p99BoundMs: 50 });
    await under({ kind: 'server', arrivalsPerS: 10 });
    assert.deepEqual(
      jobs.map(({ stopRule }) => stopRule.maxDurationMs),
      [900 * RUNS_PER_SEARCH, 900],
    );
  });

  it('is looked up for a search, and made anew to confirm', async () => {
    const { measurer, jobs } = measurerOn(() => 10);
    await measurer.obtain(request(), CONFIG, never);
    const again = await measurer.obtain(request(), CONFIG, never);
    assert.deepEqual(['source' in again && again.source, jobs.length], ['reused-device', 1]);
    const confirmed = await measurer.obtain(request({ purpose: 'confirm' }), CONFIG, never);
    assert.deepEqual(['source' in confirmed && confirmed.source, jobs.length], ['measured', 2]);
  });

  it('of a variant is of its file, and there is none where there is no file', async () => {
    const { measurer, jobs } = measurerOn(() => 10);
    const variants = { int8: { signature: 'g8', modelSha256: '8'.repeat(64), modelBytes: 1 } };
    await measurer.obtain(request({ variants }), INT8, never);
    assert.deepEqual([jobs[0]?.signature, jobs[0]?.modelSha256, jobs[0]?.modelBytes], ['g8', '8'.repeat(64), 1]);
    const none = request({ variants: { int8: { reason: 'no weights' } } });
    assert.deepEqual(await measurer.obtain(none, INT8, never), { reason: 'no weights' });
    assert.equal(jobs.length, 1);
  });
});

describe('two who want the same', () => {
  const both = (measurer: Measurer, first: InferenceRequest, second: InferenceRequest) =>
    Promise.all([measurer.obtain(first, CONFIG, never), measurer.obtain(second, CONFIG, never)]);

  it('share one measurement, also of other weights of the same graph', async () => {
    const { measurer, jobs } = measurerOn(() => 10);
    const other = request({ modelSha256: 'b'.repeat(64) });
    const [first, second] = await both(measurer, request(), other);
    assert.deepEqual(
      [jobs.length, 'source' in first && first.source, 'source' in second && second.source],
      [1, 'measured', 'reused-device'],
    );
  });

  it('each get their own where weights, device, scenario or graph differ', async () => {
    const confirm = (change: object) => request({ purpose: 'confirm', ...change });
    for (const change of [
      { modelSha256: 'b'.repeat(64) },
      { device: device('d-000000000002') },
      { scenario: { kind: 'offline' } },
      { signature: 'other' },
    ]) {
      const { measurer, jobs } = measurerOn(() => 10);
      await both(measurer, confirm({}), confirm(change));
      assert.equal(jobs.length, 2, JSON.stringify(change));
    }
  });

  it('are told the same reason where it cannot be made', async () => {
    const { measurer, jobs } = measurerOn(() => new JobFailedError('rejected', 'no such runner'));
    assert.deepEqual(await both(measurer, request(), request()), [
      { reason: 'no such runner' },
      { reason: 'no such runner' },
    ]);
    assert.equal(jobs.length, 1);
    await measurer.obtain(request(), CONFIG, never);
    assert.equal(jobs.length, 2, 'it is not under way for ever');
  });
});

describe('what cannot be measured', () => {
  it('is an answer where the config cannot run or takes too long, and an error where the agent is lost', async () => {
    const of = (error: Error) => measurerOn(() => error).measurer.obtain(request(), CONFIG, never);
    assert.deepEqual(await of(new JobFailedError('rejected', 'a')), { reason: 'a' });
    assert.deepEqual(await of(new JobFailedError('timed-out', 'b')), { reason: 'b' });
    await assert.rejects(of(new JobFailedError('failed', 'the download broke')), /the download broke/);
    await assert.rejects(of(new Error('a fault')), /a fault/);
  });

  it('after an abort is the reason of the abort', async () => {
    const controller = new AbortController();
    const { measurer } = measurerOn(() => {
      controller.abort(new Error('the trial ended'));
      return new JobFailedError('rejected', 'cancelled');
    });
    await assert.rejects(measurer.obtain(request(), CONFIG, controller.signal), /the trial ended/);
  });
});
