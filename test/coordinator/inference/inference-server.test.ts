import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import { parseConstraint, parseObjective } from '@edgetune/shared/domain/objective.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { MeasureRequest } from '@edgetune/shared/protocol/job.ts';
import fc from 'fast-check';
import { type Fleet, JobFailedError } from '../../../coordinator/fleet/fleet.ts';
import { createInferenceServer } from '../../../coordinator/inference/create-inference-server.ts';
import type { InferenceRequest } from '../../../coordinator/inference/inference-server.ts';
import { board, device, memoryHistory } from './support/board.ts';
import { convModel } from './support/conv-model.ts';

const parameters: Parameter[] = [
  { name: 'batchSize', level: 'inference', type: 'ordinal', values: [1, 2, 4, 8, 16] },
  { name: 'threads', level: 'inference', type: 'ordinal', values: [1, 2, 3, 4, 8] },
];
const threadsHelpToThree = ({ config }: MeasureRequest) =>
  (5 + 10 * config.batchSize) * (config.threads === 4 ? 0.6 : ([0, 1, 0.6, 0.5][config.threads] ?? 1));

const request = (change: Partial<InferenceRequest> = {}): InferenceRequest => ({
  studyId: 's',
  signature: 'graph',
  modelSha256: 'a'.repeat(64),
  modelBytes: 10,
  device: device(),
  parameters,
  scenario: { kind: 'single-stream' },
  objectives: [parseObjective('maximize accuracy'), parseObjective('minimize latency.p50')],
  constraints: [],
  purpose: 'search',
  seed: 1,
  ...change,
});
const never = new AbortController().signal;
const ignore = () => {};

describe('the inference server', () => {
  it('finds the best config with fewer measurements than the grid has, never asking for more threads than cores', async () => {
    const { measure, jobs } = board(threadsHelpToThree);
    const result = await createInferenceServer({ measure, history: memoryHistory() }).tune(request(), ignore, never);
    assert.deepEqual([result.best?.config.batchSize, result.best?.config.threads, result.feasible], [1, 3, true]);
    assert.ok(jobs.length < 20, `${jobs.length} of 20`);
    assert.ok(jobs.every(({ config }) => config.threads <= 4));
  });

  it('prefers throughput when the study does, within its constraints', async () => {
    const { measure } = board(threadsHelpToThree);
    const change = {
      objectives: [parseObjective('maximize throughput')],
      constraints: [parseConstraint('latency.p99 <= 50 ms')],
    };
    const result = await createInferenceServer({ measure, history: memoryHistory() }).tune(
      request(change),
      ignore,
      never,
    );
    assert.deepEqual([result.best?.config.batchSize, result.best?.config.threads], [8, 3]);
  });

  it('looks at a twelfth of a large grid before its own few measurements may end a search, and never at more than 15 %', async () => {
    const { measure, jobs } = board((job) => (threadsHelpToThree(job) * 1.4e6) / (job.config.clockKHz ?? 1.4e6));
    const clocks = [600000, 900000, 1200000, 1400000];
    const { board: description, ...rest } = device();
    const wide = { ...rest, board: { ...description, settableClocksKHz: clocks } };
    const { best, possible = 0 } = await createInferenceServer({ measure, history: memoryHistory() }).tune(
      request({
        device: wide as InferenceRequest['device'],
        parameters: [
          { name: 'batchSize', level: 'inference', type: 'ordinal', values: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32] },
          { name: 'threads', level: 'inference', type: 'ordinal', values: [1, 2, 3, 4] },
          { name: 'clockKHz', level: 'inference', type: 'ordinal', values: clocks },
        ],
        objectives: [parseObjective('maximize throughput')],
        constraints: [parseConstraint('latency.p99 <= 50 ms')],
      }),
      ignore,
      never,
    );
    assert.deepEqual([best?.config.batchSize, best?.config.threads, best?.config.clockKHz], [8, 3, 1400000]);
    assert.ok(jobs.length >= 0.08 * possible && jobs.length <= 0.15 * possible, `${jobs.length} of ${possible}`);
  });

  it('says by how much the best config misses the constraints', async () => {
    const { measure } = board(threadsHelpToThree);
    const result = await createInferenceServer({ measure, history: memoryHistory() }).tune(
      request({ constraints: [parseConstraint('latency.p99 <= 5 ms')] }),
      ignore,
      never,
    );
    assert.equal(result.feasible, false);
    assert.ok(Math.abs(result.violation - 0.5) < 1e-9, String(result.violation));
    assert.match(result.reason ?? '', /latency.p99 is 7.50, not <= 5/);
  });

  it('answers from the history of the device or its class, and marks it', async () => {
    const { measure, jobs } = board(threadsHelpToThree);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    await server.tune(request(), ignore, never);
    const made = jobs.length;
    const sources = new Set<string>();
    await server.tune(request(), (_, source) => sources.add(source), never);
    await server.tune(request({ device: device('d-000000000002') }), (_, source) => sources.add(source), never);
    assert.equal(jobs.length, made);
    assert.deepEqual([...sources], ['reused-device', 'reused-class']);
    await server.tune(request({ device: device('d-000000000003', 'orin') }), ignore, never);
    assert.ok(jobs.length > made, 'another class is measured');
  });

  it('asks a board what it is now before it answers from the history: in another power mode it is measured anew', async () => {
    const { measure, jobs } = board(threadsHelpToThree);
    let deviceClass: string | null = 'pi';
    const asked: string[] = [];
    const described: Fleet['described'] = async (deviceId) => {
      asked.push(deviceId);
      return { ...device(), deviceClass };
    };
    const server = createInferenceServer({ measure, described, history: memoryHistory() });
    await server.tune(request(), ignore, never);
    const made = jobs.length;
    const reused: string[] = [];
    await server.tune(request(), (_, source) => reused.push(source), never);
    assert.deepEqual([jobs.length, asked.length], [made, 2]);
    assert.ok(reused.length > 0);
    for (const now of ['pi | MAXN', null]) {
      deviceClass = now;
      const [before, sources] = [jobs.length, new Set<string>()];
      await server.tune(request(), (_, source) => sources.add(source), never);
      assert.ok(jobs.length > before, `${now}`);
      assert.deepEqual([...sources], ['measured'], `${now}`);
    }
    const { board: of } = device();
    const simulated = { ...device(), board: { ...of, simulated: { profile: 'p' } } } as unknown as DeviceView;
    await server.tune(request({ device: simulated }), ignore, never);
    assert.equal(asked.length, 4, 'a simulated board is what its profile says');
  });

  it('confirms anew, on the device, the very model', async () => {
    const { measure, jobs } = board(threadsHelpToThree);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    await server.tune(request(), ignore, never);
    const before = jobs.length;
    const trained = 'b'.repeat(64);
    const result = await server.tune(request({ purpose: 'confirm', modelSha256: trained }), ignore, never);
    assert.deepEqual(
      jobs.slice(before).map(({ modelSha256 }) => modelSha256),
      [trained, trained],
    );
    assert.equal(result.best?.modelSha256, trained);
    assert.deepEqual([result.best?.config.batchSize, result.best?.config.threads], [1, 3]);
  });

  it('answers with the latest measurement of a config', async () => {
    let latencyMs = 10;
    const { measure } = board(() => latencyMs);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const one = { parameters: [] };
    await server.tune(request(one), ignore, never);
    latencyMs = 12;
    await server.tune(request({ ...one, purpose: 'confirm' }), ignore, never);
    const { best, all } = await server.tune(request(one), ignore, never);
    assert.deepEqual([best?.latencyMs?.p50, all[0]?.source], [12, 'reused-device']);
  });

  it('confirms no config that another study was allowed and this one is not', async () => {
    const { measure } = board(threadsHelpToThree);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    await server.tune(request(), ignore, never);
    const oneThread: Parameter[] = [{ name: 'threads', level: 'inference', type: 'constant', value: 1 }];
    const result = await server.tune(request({ purpose: 'confirm', parameters: oneThread }), ignore, never);
    assert.deepEqual(new Set(result.all.map(({ measurement }) => measurement.config.threads)), new Set([1]));
  });

  it('measures again what the history knows without the energy that is asked for', async () => {
    const { measure, jobs } = board(() => 10);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const plain = device();
    const metered = { ...plain, board: { ...plain.board, powerMeter: 'ina3221' } } as typeof plain;
    const objectives = [parseObjective('minimize energy')];
    await server.tune(request({ device: metered, parameters: [] }), ignore, never);
    await server.tune(request({ device: metered, parameters: [], objectives }), ignore, never);
    assert.equal(jobs.length, 2);
    await server.tune(request({ device: plain, parameters: [], objectives }), ignore, never);
    assert.equal(jobs.length, 2, 'a board without a meter would measure none either');
  });

  it('measures the same config once for two askers at a time, and again when the first gives up', async () => {
    const { measure, jobs } = board(threadsHelpToThree);
    const server = createInferenceServer({ measure, history: memoryHistory() });
    const first = new AbortController();
    const given = server.tune(request(), ignore, first.signal);
    const kept = server.tune(request(), ignore, never);
    first.abort(new Error('the trial ended'));
    await assert.rejects(given, /the trial ended/);
    assert.equal((await kept).best?.config.threads, 3);
    const keys = jobs.map(({ config }) => inferenceConfigKey(config));
    assert.ok(keys.length - new Set(keys).size <= 1);
  });

  it('goes round configs that fail, and gives the reason when all do', async () => {
    const failing = board(({ config }) =>
      config.threads === 3
        ? new JobFailedError('rejected', 'no three threads')
        : threadsHelpToThree({ config } as MeasureRequest),
    );
    const some = await createInferenceServer({ ...failing, history: memoryHistory() }).tune(request(), ignore, never);
    assert.equal(some.feasible, true);
    const dead = board(() => new JobFailedError('rejected', 'cannot run here'));
    const none = await createInferenceServer({ ...dead, history: memoryHistory() }).tune(request(), ignore, never);
    assert.deepEqual([none.best, none.violation, none.reason], [null, Infinity, 'cannot run here']);
  });

  it('refuses by prediction only when the whole interval violates, once it knows enough architectures', async () => {
    const models = [2, 3, 4, 6, 8, 10, 12, 14].map((layers) => ({
      layers,
      bytes: convModel({ layers }),
      sha256: layers.toString(16).padStart(64, '0'),
    }));
    const { measure, jobs } = board((job) => {
      const layers = Number.parseInt(job.modelSha256, 16);
      return (1 + layers * job.config.batchSize) / job.config.threads ** 0.7;
    });
    const blobs = {
      get: async (sha256: string) => models.find((model) => model.sha256 === sha256)?.bytes as Uint8Array,
    };
    const server = createInferenceServer({ measure, history: memoryHistory(), blobs });
    const ask = (index: number, limitMs: number) => {
      const { sha256 } = models[index] as (typeof models)[number];
      const constraints = [parseConstraint(`latency.p99 <= ${limitMs} ms`)];
      return server.tune(request({ signature: `g${index}`, modelSha256: sha256, constraints }), ignore, never);
    };
    for (const index of [0, 2, 3, 4, 5, 6]) assert.equal((await ask(index, 1000)).feasible, true);
    const before = jobs.length;
    const hopeless = await ask(7, 0.1);
    assert.equal(jobs.length, before, 'refused without a measurement');
    assert.equal(hopeless.refusedByPrediction, true);
    assert.ok(hopeless.violation > 0 && Number.isFinite(hopeless.violation));
    const close = await ask(1, 1.6);
    assert.ok(jobs.length > before, 'what is close to the limit is measured');
    assert.equal(close.feasible, true);
  });

  it('refuses a parameter of which the device can do no value', async () => {
    const { measure } = board(threadsHelpToThree);
    const result = await createInferenceServer({ measure, history: memoryHistory() }).tune(
      request({ parameters: [{ name: 'threads', level: 'inference', type: 'ordinal', values: [16, 32] }] }),
      ignore,
      never,
    );
    assert.match(result.reason ?? '', /device-1 can do none of the values of threads: 16, 32/);
  });

  it('finds the optimum within 2 % on any board whose threads scale as boards do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('minimize latency.p50', 'maximize throughput'),
        async (fixed, exponent, fullLoad, objective) => {
          const cost = ({ config: { batchSize, threads } }: MeasureRequest) =>
            fixed + (batchSize / threads ** exponent) * (threads === 4 ? 1 + fullLoad : 1);
          const { measure } = board(cost);
          const objectives = [parseObjective(objective)];
          const server = createInferenceServer({ measure, history: memoryHistory() });
          const { best } = await server.tune(request({ objectives }), ignore, never);
          const all = [1, 2, 4, 8, 16].flatMap((batchSize) =>
            [1, 2, 3, 4].map((threads) => {
              const ms = cost({ config: { batchSize, threads } } as MeasureRequest);
              return objective.endsWith('p50') ? ms : ms / batchSize;
            }),
          );
          const found = objective.endsWith('p50') ? best?.latencyMs?.p50 : 1000 / (best?.throughputPerS ?? 1);
          assert.ok((found ?? Infinity) <= 1.02 * Math.min(...all), `${found} against ${Math.min(...all)}`);
        },
      ),
      { numRuns: 60 },
    );
  });
});
