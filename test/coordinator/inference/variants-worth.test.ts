/** A variant is recommended only where it is no slower and no larger than the model itself, measured on the device. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import type { Fleet } from '../../../coordinator/fleet/fleet.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { twinOf, withoutMissing } from '../../../coordinator/inference/model-variants.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';
import { board, device, memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

const [MODEL, VARIANT] = ['a'.repeat(64), 'b'.repeat(64)];
const int8 = { signature: 'variant', modelSha256: VARIANT, modelBytes: 5 };
const precision: Parameter = {
  name: 'precision',
  level: 'inference',
  type: 'categorical',
  choices: ['float32', 'int8'],
};
const ordinal = (name: string, values: number[]): Parameter => ({ name, level: 'inference', type: 'ordinal', values });
const request = (change: Partial<InferenceRequest> = {}): InferenceRequest => ({
  ...{ studyId: null, signature: 'graph', modelSha256: MODEL, modelBytes: 10, device: device(), purpose: 'search' },
  ...{ scenario: { kind: 'single-stream' }, constraints: [], seed: 1 },
  parameters: [ordinal('threads', [1, 2]), precision],
  objectives: [parseObjective('latency.p50')],
  variants: { int8 },
  ...change,
});
const never = new AbortController().signal;
const tune = async (
  latencyOf: (job: MeasureRequest) => number | Error,
  change: Partial<InferenceRequest> = {},
  blobs?: { get(sha256: string): Promise<Uint8Array> },
) => {
  const { measure, jobs } = board(latencyOf);
  const server = createInferenceServer({ measure, history: memoryHistory(), ...(blobs ? { blobs } : {}) });
  return { result: await server.tune(request(change), () => {}, never), jobs };
};
/** The variant needs a quarter of the memory. */
const lessMemory =
  (measure: Fleet['measure']): Fleet['measure'] =>
  async (...asked) => {
    const measured = await measure(...asked);
    return { ...measured, peakMemoryBytes: measured.config.precision === 'int8' ? 1e6 : 4e6 };
  };
const keyOf = ({ config }: MeasureRequest) => `${config.precision} ${config.batchSize}×${config.threads}`;

describe('a grid of a few configs', () => {
  it('is measured in full, whatever is expected of the rest', async () => {
    const { jobs } = await tune(({ config }) => (config.precision === 'int8' ? 240 : 10) / config.threads);
    assert.deepEqual(jobs.map(keyOf).sort(), ['float32 1×1', 'float32 1×2', 'int8 1×1', 'int8 1×2']);
    const eight = await tune(() => 10, { parameters: [ordinal('batchSize', [1, 2, 4, 8]), precision] });
    assert.equal(eight.jobs.length, 8);
  });

  it('one of more is searched', async () => {
    const parameters = [ordinal('batchSize', [1, 2, 3, 4, 5, 6, 7, 8]), ordinal('threads', [1, 2, 3, 4]), precision];
    const { jobs } = await tune(({ config }) => 10 * config.batchSize, { parameters });
    assert.ok(jobs.length < 40, `${jobs.length} of 64`);
  });
});

describe('a variant', () => {
  /** Of a wide grid a search sees a part only. */
  const wide = [ordinal('batchSize', [1, 2, 4, 8, 16, 32]), ordinal('threads', [1, 2, 3, 4]), precision];
  const asked = (jobs: MeasureRequest[], of: { batchSize: number; threads: number }, in_: Precision) =>
    jobs.some(
      ({ config }) => config.batchSize === of.batchSize && config.threads === of.threads && config.precision === in_,
    );

  it('is best only beside the model itself, which is measured in the same config', async () => {
    for (const objective of ['latency.p50', 'maximize throughput']) {
      const { result, jobs } = await tune(
        ({ config }) => ((config.precision === 'int8' ? 4 : 10) * (5 + config.batchSize)) / config.threads,
        { parameters: wide, objectives: [parseObjective(objective)] },
      );
      assert.equal(result.best?.config.precision, 'int8');
      assert.ok(asked(jobs, result.best?.config as never, 'float32'), objective);
    }
  });

  it('that is slower is not recommended, also where the search had no time to see the model itself', async () => {
    const first: Parameter = { ...precision, type: 'categorical', choices: ['int8', 'float32'] };
    const { result, jobs } = await tune(({ config }) => (config.precision === 'int8' ? 11 : 10) / config.threads, {
      parameters: [...wide.slice(0, 2), first],
      maxMs: 0,
    });
    assert.deepEqual(jobs.map(keyOf), ['int8 1×4', 'float32 1×4']);
    assert.equal(result.best?.config.precision, 'float32');
    assert.deepEqual(
      result.all.map(({ measurement }) => measurement.config.precision),
      ['int8', 'float32'],
      'it stays visible',
    );
  });

  it('may be slower where something else is asked for that it is better in', async () => {
    const { measure } = board(({ config }) => (config.precision === 'int8' ? 20 : 10));
    const server = createInferenceServer({ measure: lessMemory(measure), history: memoryHistory() });
    const objectives = [parseObjective('minimize memory')];
    const { best } = await server.tune(request({ parameters: [precision], objectives }), () => {}, never);
    assert.equal(best?.config.precision, 'int8');
  });

  it('or where the model itself does not keep to a limit', async () => {
    const { measure } = board(({ config }) => (config.precision === 'int8' ? 20 : 10));
    const server = createInferenceServer({ measure: lessMemory(measure), history: memoryHistory() });
    const constraints = [parseConstraint('memory <= 2 MB')];
    const { best, feasible } = await server.tune(request({ parameters: [precision], constraints }), () => {}, never);
    assert.deepEqual([best?.config.precision, feasible], ['int8', true]);
  });

  it('that is larger than the model is not measured', async () => {
    const larger = { variants: { int8: { ...int8, modelBytes: 11 } } };
    const { result, jobs } = await tune(() => 10, larger);
    assert.deepEqual(jobs.map(keyOf).sort(), ['float32 1×1', 'float32 1×2']);
    assert.equal(result.best?.config.precision, 'float32');
    const axes = [{ name: 'precision' as const, values: ['float32', 'int8'] }];
    assert.deepEqual(withoutMissing(axes, { modelBytes: 10, ...larger }, [])[0]?.values, ['float32']);
    assert.deepEqual(withoutMissing(axes, { modelBytes: 11, ...larger }, [])[0]?.values, ['float32', 'int8']);
    // Where nothing else is asked for, it is all that there is; so it is where the model itself is too large.
    const only = [{ name: 'precision' as const, values: ['int8'] }];
    assert.deepEqual(withoutMissing(only, { modelBytes: 10, ...larger }, [])[0]?.values, ['int8']);
  });

  it('has its twin in the precision of the model itself', () => {
    const config = inferenceConfigSchema.parse({ batchSize: 2, threads: 1, precision: 'int8' });
    const axes = [{ name: 'precision' as const, values: ['int8', 'float32'] }];
    assert.deepEqual(twinOf({ variants: { int8 } }, axes, config), { ...config, precision: 'float32' });
    assert.equal(twinOf({ variants: { int8 } }, axes, { ...config, precision: 'float32' }), null);
    assert.equal(twinOf({ variants: { int8 } }, [{ name: 'precision', values: ['int8'] }], config), null);
    assert.equal(twinOf({}, axes, config), null);
  });
});

describe('a model that is quantised already', () => {
  const quantised = buildOnnx({
    inputs: [{ name: 'x', shape: ['n', 4], dataType: 1 }],
    outputs: ['y'],
    initializers: [
      { name: 's', dims: [] },
      { name: 'z', dims: [], dataType: 2 },
    ],
    nodes: [
      { opType: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
      { opType: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] },
    ],
  });
  const blobs = { get: async () => quantised };

  it('is searched as it is, in int8, whatever is asked for', async () => {
    for (const parameters of [[ordinal('threads', [1, 2]), precision], [ordinal('threads', [1, 2])]])
      for (const variants of [{ variants: { int8: { reason: 'it is one' } } }, {}]) {
        const { variants: _, ...plain } = request({ parameters });
        const { measure, jobs } = board(() => 10);
        const server = createInferenceServer({ measure, history: memoryHistory(), blobs });
        const result = await server.tune({ ...plain, ...variants }, () => {}, never);
        assert.deepEqual(jobs.map(keyOf).sort(), ['int8 1×1', 'int8 1×2']);
        assert.ok(jobs.every(({ modelSha256 }) => modelSha256 === MODEL));
        assert.equal(result.best?.config.precision, 'int8');
      }
  });

  it('a model in floats is searched as it was asked for, also where it cannot be read', async () => {
    const { variants: _, ...plain } = request({ parameters: [ordinal('threads', [1, 2])] });
    for (const onnx of [convModel(), Uint8Array.of(1, 2, 3)]) {
      const { measure, jobs } = board(() => 10);
      const server = createInferenceServer({ measure, history: memoryHistory(), blobs: { get: async () => onnx } });
      await server.tune(plain, () => {}, never);
      assert.deepEqual(jobs.map(keyOf).sort(), ['float32 1×1', 'float32 1×2']);
    }
  });
});
