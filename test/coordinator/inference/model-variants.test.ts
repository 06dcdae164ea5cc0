/** Configs of other precisions: which file they run, and what becomes of precisions in which there is none. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { type Model, modelFor } from '../../../coordinator/inference/model-variants.ts';
import { board, device, memoryHistory } from './support/board.ts';

const float: Model = { signature: 'float graph', modelSha256: 'a'.repeat(64), modelBytes: 400 };
const int8: Model = { signature: 'int8 graph', modelSha256: 'b'.repeat(64), modelBytes: 100 };
const parameters: Parameter[] = [
  { name: 'batchSize', level: 'inference', type: 'ordinal', values: [1, 2] },
  { name: 'precision', level: 'inference', type: 'categorical', choices: ['float32', 'int8'] },
];
const latencyMsOf = ({ config: { batchSize, precision } }: MeasureRequest) =>
  10 * batchSize * (precision === 'int8' ? 0.5 : 1);
const able = (() => {
  const { board: description, ...rest } = device();
  const runtimes = description?.runtimes.map((runtime) => ({ ...runtime, precisions: ['float32', 'int8'] }));
  return { ...rest, board: { ...description, runtimes } } as typeof rest & { board: typeof description };
})();

const request = (change: Partial<InferenceRequest> = {}): InferenceRequest => ({
  studyId: 's',
  ...float,
  variants: { int8 },
  device: able,
  parameters,
  scenario: { kind: 'single-stream' },
  objectives: [parseObjective('minimize latency.p50')],
  constraints: [],
  purpose: 'search',
  seed: 1,
  ...change,
});
const never = new AbortController().signal;
const ignore = () => {};

describe('configs of other precisions', () => {
  it('run the variant in that precision: its file, its signature, its place in the history', async () => {
    const { measure, jobs } = board(latencyMsOf);
    const history = memoryHistory();
    const server = createInferenceServer({ measure, history });
    const { best } = await server.tune(request(), ignore, never);
    assert.deepEqual([best?.config.precision, best?.modelSha256], ['int8', int8.modelSha256]);
    for (const { config, signature, modelSha256, modelBytes } of jobs) {
      const file = config.precision === 'int8' ? int8 : float;
      assert.deepEqual({ signature, modelSha256, modelBytes }, file);
    }
    const made = jobs.length;
    await server.tune(request(), ignore, never);
    assert.equal(jobs.length, made, 'both are remembered');
    // The same model without its variant knows only the float measurements.
    const alone = await server.tune(request({ variants: { int8: { reason: 'none' } } }), ignore, never);
    assert.ok(alone.all.every(({ measurement }) => measurement.config.precision === 'float32'));
  });

  it('are confirmed in each precision, also in one that the search did not come to', async () => {
    const { measure, jobs } = board(latencyMsOf);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const floatOnly = parameters.map(
      (parameter): Parameter =>
        parameter.name === 'precision' ? { ...parameter, type: 'constant', value: 'float32' } : parameter,
    );
    await server.tune(request({ parameters: floatOnly }), ignore, never);
    const before = jobs.length;
    const trained = { ...float, modelSha256: 'c'.repeat(64) };
    const variant = { ...int8, modelSha256: 'd'.repeat(64) };
    await server.tune(request({ ...trained, variants: { int8: variant }, purpose: 'confirm' }), ignore, never);
    // The best batch in both precisions; a rival that the search looked at may be confirmed, too.
    const confirmed = jobs.slice(before).filter(({ config }) => config.batchSize === 1);
    assert.deepEqual(
      confirmed.map(({ config, modelSha256 }) => [config.batchSize, config.precision, modelSha256]),
      [
        [1, 'float32', trained.modelSha256],
        [1, 'int8', variant.modelSha256],
      ],
    );
  });

  it('are left out where there is no variant; where nothing is left that is the answer', async () => {
    const { measure, jobs } = board(latencyMsOf);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const variants = { int8: { reason: 'the model cannot be quantised: it has no weights' } };
    const { best, possible } = await server.tune(request({ variants }), ignore, never);
    assert.deepEqual([best?.config.precision, possible], ['float32', 2]);
    assert.ok(jobs.every(({ config }) => config.precision === 'float32'));
    const only: Parameter = { name: 'precision', level: 'inference', type: 'constant', value: 'int8' };
    const nothing = await server.tune(request({ variants, parameters: [only] }), ignore, never);
    assert.deepEqual([nothing.best, nothing.reason], [null, variants.int8.reason]);
  });

  it('run int8 variants on the CPU provider alone', () => {
    const model = { ...float, variants: { int8 } };
    assert.equal(modelFor(model, { precision: 'int8', executionProvider: 'cpu' }), int8);
    assert.match(
      JSON.stringify(modelFor(model, { precision: 'int8', executionProvider: 'tensorrt' })),
      /not for tensorrt/,
    );
    // TensorRT makes its float16 engine of the float32 file.
    assert.equal(modelFor(model, { precision: 'float16', executionProvider: 'tensorrt' }), model);
    assert.equal(modelFor(int8, { precision: 'int8', executionProvider: 'tensorrt' }), int8);
  });

  it('are left out where their file is over the study’s limit; without any, nothing is measured', async () => {
    const { measure, jobs } = board(latencyMsOf);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const limited = (limit: string) =>
      server.tune(request({ constraints: [parseConstraint(`modelSize <= ${limit}`)] }), ignore, never);
    const { best, possible } = await limited('200 B');
    assert.deepEqual([best?.config.precision, possible], ['int8', 2]);
    assert.ok(jobs.every(({ config }) => config.precision === 'int8'));
    const made = jobs.length;
    const none = await limited('50 B');
    assert.deepEqual([none.best, none.feasible, jobs.length], [null, false, made]);
    assert.match(none.reason ?? '', /the model in float32 is 400 bytes, not <= 50; the model in int8 is 100 bytes/);
  });
});
