import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOARD_PROFILES, boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { boardDescriptionSchema } from '@edgetune/shared/domain/device.ts';
import { measurementSchema } from '@edgetune/shared/domain/measurement.ts';
import { type MeasureRequest, measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { RejectedError } from '../../../agent/rejected-error.ts';
import { createSimulatedBoard } from '../../../agent/simulated/simulated-board.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';

function model(channels: number, batch: number | string = 'batch'): Uint8Array {
  return buildOnnx({
    inputs: [{ name: 'image', shape: [batch, 3, 32, 32] }],
    initializers: [
      { name: 'w1', dims: [channels, 3, 3, 3] },
      { name: 'w2', dims: [channels, channels, 3, 3] },
    ],
    nodes: [
      { opType: 'Conv', inputs: ['image', 'w1'], outputs: ['a'], ints: { pads: [1, 1, 1, 1] } },
      { opType: 'Relu', inputs: ['a'], outputs: ['b'] },
      { opType: 'Conv', inputs: ['b', 'w2'], outputs: ['c'], ints: { pads: [1, 1, 1, 1] } },
      { opType: 'GlobalAveragePool', inputs: ['c'], outputs: ['d'] },
    ],
    outputs: ['d'],
  });
}

function request(
  change: Omit<Partial<MeasureRequest>, 'config' | 'stopRule'> & { config?: object; stopRule?: object } = {},
): MeasureRequest {
  return measureRequestSchema.parse({
    kind: 'measure',
    modelSha256: '0'.repeat(64),
    modelBytes: 1,
    signature: 'signature',
    scenario: { kind: 'single-stream' },
    ...change,
    config: { batchSize: 1, threads: 1, ...change.config },
    stopRule: { minRuns: 200, ...change.stopRule },
  });
}

const never = new AbortController().signal;
const pi = (seed = 1, timeScale = 0) =>
  createSimulatedBoard({ profile: boardProfileNamed('raspberry-pi-5'), timeScale, seed });

test('every profile describes a board and measures a model', async () => {
  for (const profile of BOARD_PROFILES) {
    const board = createSimulatedBoard({ profile, timeScale: 0, seed: 1 });
    const description = boardDescriptionSchema.parse(board.describe());
    assert.equal(description.simulated?.profile, profile.name);
    const measurement = measurementSchema.parse(await board.measure(request(), model(16), never));
    assert.equal(measurement.outcome, 'ok', profile.name);
    assert.equal(measurement.simulated, true);
    assert.equal(measurement.energy?.source, 'simulated');
    assert.ok((measurement.energy?.grossJ ?? 0) > (measurement.energy?.netJ ?? 0));
  }
});

test('the same seed gives the same measurement, another seed another', async () => {
  const latency = async (seed: number) => (await pi(seed).measure(request(), model(16), never)).latencyMs;
  assert.deepEqual(await latency(1), await latency(1));
  assert.notDeepEqual(await latency(1), await latency(2));
});

test('it measures the model that it was sent: a wider one takes longer, more threads take less', async () => {
  const median = async (channels: number, threads = 1) =>
    (await pi().measure(request({ config: { threads } }), model(channels), never)).latencyMs?.p50 ?? 0;
  assert.ok((await median(64)) > 4 * (await median(16)));
  assert.ok((await median(64, 4)) < 0.8 * (await median(64)));
});

test('tails are heavier than the body', async () => {
  const { latencyMs } = await pi().measure(request({ stopRule: { minRuns: 5000 } }), model(16), never);
  assert.ok(latencyMs);
  const ratio = latencyMs.p99 / latencyMs.p50;
  assert.ok(ratio > 1.005 && ratio < 2.7, `p99/p50 ${ratio}`);
  assert.ok(latencyMs.max > 1.1 * latencyMs.p50);
});

test('the stop rule decides when a window ends', async () => {
  const stopOf = async (stopRule: object) => {
    const { stopReason, latencyMs } = await pi().measure(request({ stopRule }), model(16), never);
    return [stopReason, latencyMs?.count];
  };
  assert.deepEqual(await stopOf({ minRuns: 5, minDurationMs: 0 }), ['min-reached', 5]);
  assert.deepEqual(await stopOf({ minRuns: 5, maxRuns: 7, minDurationMs: 1e6, maxDurationMs: 1e7 }), ['max-runs', 7]);
  assert.equal((await stopOf({ minRuns: 10, minDurationMs: 0, medianPrecision: 0.02 }))[0], 'converged');
  assert.equal((await stopOf({ minRuns: 1e5, maxDurationMs: 50 }))[0], 'max-duration');
});

test('multi-stream queries take as many runs as their samples need', async () => {
  const scenario = { kind: 'multi-stream', samplesPerQuery: 8 } as const;
  const of = async (batchSize: number) =>
    (await pi().measure(request({ scenario, config: { batchSize } }), model(16), never)).latencyMs?.p50 ?? 0;
  const single = (await pi().measure(request(), model(16), never)).latencyMs?.p50 ?? 0;
  assert.ok(Math.abs((await of(1)) / (8 * single) - 1) < 0.1);
  assert.ok((await of(8)) < (await of(1)));
});

test('server latencies grow with the load, and a batching window delays an idle board', async () => {
  const p50 = async (arrivalsPerS: number, batchingWindowMs = 0, batchSize = 1) => {
    const scenario = { kind: 'server', arrivalsPerS, batchingWindowMs } as const;
    const stopRule = { minRuns: 500, maxRuns: 2000 };
    return (
      (await pi().measure(request({ scenario, config: { batchSize }, stopRule }), model(16), never)).latencyMs?.p50 ?? 0
    );
  };
  const single = (await pi().measure(request(), model(16), never)).latencyMs?.p50 ?? 0;
  const idle = await p50(10);
  assert.ok(Math.abs(idle / single - 1) < 0.1);
  assert.ok((await p50(1200 / single)) > 5 * idle);
  assert.ok((await p50(10, 50, 8)) > 40);
});

test('the highest rate of the server scenario is near the edge: it keeps its bound, and a quarter more does not', async () => {
  const single = (await pi().measure(request(), model(16), never)).latencyMs?.p50 ?? 0;
  const p99BoundMs = 5 * single;
  const stopRule = { minRuns: 50, maxDurationMs: 1e6 };
  const p99At = async (arrivalsPerS: number) => {
    const scenario = { kind: 'server', arrivalsPerS, batchingWindowMs: 0 } as const;
    const long = { minRuns: 20_000, maxDurationMs: 1e9 };
    return (await pi().measure(request({ scenario, stopRule: long }), model(16), never)).latencyMs?.p99 ?? 0;
  };
  const highest = async (boundMs: number, maxDurationMs = 1e6) => {
    const scenario = { kind: 'server', p99BoundMs: boundMs, batchingWindowMs: 0 } as const;
    return pi().measure(request({ scenario, stopRule: { ...stopRule, maxDurationMs } }), model(16), never);
  };
  const found = await highest(p99BoundMs);
  const rate = found.throughputPerS as number;
  assert.ok(rate > 0 && rate < 1000 / single, `${rate} of ${1000 / single}`);
  assert.ok((await p99At(rate)) <= p99BoundMs);
  assert.ok((await p99At(1.25 * rate)) > p99BoundMs);
  assert.ok((found.latencyMs?.count ?? 0) >= 1001 && found.cost.deviceSeconds > 3 * (1001 / rate));
  await assert.rejects(highest(single / 2), (error: Error) => {
    assert.ok(error instanceof RejectedError);
    assert.match(error.message, /no rate keeps p99/);
    return true;
  });
  const hurried = await highest(p99BoundMs, 3000 * single);
  assert.deepEqual([hurried.stopReason, hurried.latencyMs?.p99Bound], ['max-duration', null]);
  assert.ok((hurried.throughputPerS ?? 0) > 0.5 * rate && (hurried.latencyMs?.p99 ?? Infinity) <= p99BoundMs);
});

test('offline throughput counts every sample', async () => {
  const offline = request({ scenario: { kind: 'offline' }, config: { batchSize: 8 } });
  const { latencyMs, throughputPerS } = await pi().measure(offline, model(16), never);
  assert.ok(latencyMs && throughputPerS);
  assert.ok(Math.abs(throughputPerS / (8000 / latencyMs.mean) - 1) < 1e-6);
});

test('too many threads, an unknown clock and a batch that is fixed are rejected', async () => {
  const rejects = (change: Parameters<typeof request>[0], bytes: Uint8Array, message: RegExp) =>
    assert.rejects(pi().measure(request(change), bytes, never), (error: Error) => {
      assert.ok(error instanceof RejectedError);
      assert.match(error.message, message);
      return true;
    });
  await rejects({ config: { threads: 5 } }, model(16), /5 threads.*4 cores/);
  await rejects({ config: { clockKHz: 123 } }, model(16), /cannot be set to 123 kHz/);
  await rejects({ config: { executionProvider: 'cuda' } }, model(16), /does not run cuda/);
  await rejects({ config: { batchSize: 4 } }, model(16, 1), /batch is fixed at 1/);
  await rejects({}, model(16).subarray(0, 900), /ends within a field/);
});

test('a model that is too large for the board is an out-of-memory outcome, not an error', async () => {
  const board = createSimulatedBoard({ profile: boardProfileNamed('raspberry-pi-zero-2w'), timeScale: 0 });
  const { outcome, reason, latencyMs } = await board.measure(
    request({ config: { batchSize: 4096 } }),
    model(64),
    never,
  );
  assert.equal(outcome, 'out-of-memory');
  assert.match(reason ?? '', /out of memory: it needs \d+ MB/);
  assert.equal(latencyMs, null);
  // The limit is the model's: what the runtime takes before any model does not count, neither here nor in the peak.
  const free = await pi().measure(request({}), model(16), never);
  const [own = 0, all = 0] = [free.peakMemoryBytes ?? 0, free.processPeakMemoryBytes ?? 0];
  const { backends } = boardProfileNamed('raspberry-pi-5');
  assert.equal(all - own, backends[0]?.runtimeBytes);
  for (const [memoryLimitBytes, expected] of [
    [own, 'ok'],
    [own - 1, 'out-of-memory'],
  ] as const)
    assert.equal((await pi().measure(request({ memoryLimitBytes }), model(16), never)).outcome, expected);
});

test('long work on a hot board throttles, and such a measurement is invalid', async () => {
  const profile = structuredClone(boardProfileNamed('raspberry-pi-5'));
  profile.thermal = { ...profile.thermal, ambientC: 45, resistanceCPerW: 14, timeConstantS: 10 };
  const board = createSimulatedBoard({ profile, timeScale: 0 });
  const stopRule = { minDurationMs: 60_000, maxDurationMs: 90_000 };
  const hot = await board.measure(request({ config: { threads: 4 }, stopRule }), model(64), never);
  assert.equal(hot.outcome, 'invalid');
  assert.equal(hot.conditions.throttled, true);
  assert.match(hot.reason ?? '', /throttled/);
});

test('a power mode sets cores, clock and power', async () => {
  const profile = boardProfileNamed('jetson-agx-xavier');
  const board = createSimulatedBoard({ profile, timeScale: 0, powerMode: 'MODE_15W' });
  assert.deepEqual([board.describe().physicalCores, board.describe().powerMode], [4, 'MODE_15W']);
  await assert.rejects(board.measure(request({ config: { threads: 8 } }), model(16), never), RejectedError);
  const slow = await board.measure(request({ config: { threads: 4 } }), model(64), never);
  const full = createSimulatedBoard({ profile, timeScale: 0, powerMode: 'MAXN' });
  const fast = await full.measure(request({ config: { threads: 4 } }), model(64), never);
  assert.ok((slow.latencyMs?.p50 ?? 0) > 1.5 * (fast.latencyMs?.p50 ?? 0));
  assert.ok((slow.energy?.meanPowerW ?? 99) < (fast.energy?.meanPowerW ?? 0));
  assert.throws(() => createSimulatedBoard({ profile, timeScale: 0, powerMode: 'TURBO' }), /it has: MAXN, MODE_15W/);
});

test('at time scale 1 it sleeps the seconds that it reports, and stops sleeping when it is cancelled', async () => {
  const slept: number[] = [];
  const controller = new AbortController();
  const clock = {
    now: () => new Date(0),
    sleep: async (ms: number, signal: AbortSignal) => {
      slept.push(ms);
      signal.throwIfAborted();
    },
  };
  const board = createSimulatedBoard({ profile: boardProfileNamed('raspberry-pi-5'), timeScale: 1, clock });
  const { cost, startedAt } = await board.measure(request(), model(16), controller.signal);
  assert.deepEqual(slept, [cost.deviceSeconds * 1000]);
  assert.equal(startedAt, '1970-01-01T00:00:00.000Z');
  const slow = createSimulatedBoard({ profile: boardProfileNamed('raspberry-pi-5'), timeScale: 1000 });
  const waiting = slow.measure(request(), model(16), controller.signal);
  controller.abort(new Error('the trial was stopped'));
  await assert.rejects(waiting);
});
