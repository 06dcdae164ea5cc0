/** The load generator on a clock that the test turns: what is a latency, what is overhead, what waits for what. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type LoadOptions, playRealLoad } from '../../../../agent/measure/window/real-load.ts';
import { within } from '../../../support/waiting.ts';

/** Each look at the clock takes `lookMs`. */
function clock(t: TestContext, lookMs = 0) {
  const time = { ms: 1000 };
  // Not a mock of node:test, which keeps a record of each of a hundred thousand looks.
  const value = () => {
    time.ms += lookMs;
    return time.ms;
  };
  Object.defineProperty(performance, 'now', { value, configurable: true });
  t.after(() => Reflect.deleteProperty(performance, 'now'));
  return time;
}

const stopRule = (change = {}) =>
  stopRuleSchema.parse({ minDurationMs: 0, minRuns: 3, maxRuns: 1000, maxDurationMs: 600_000, ...change });

const play = (run: Parameters<typeof playRealLoad>[0], options: Partial<LoadOptions>) =>
  within(
    'the load',
    playRealLoad(run, {
      ...{ scenario: { kind: 'single-stream' }, batchSize: 1, stopRule: stopRule(), seed: 1 },
      ...options,
    }),
  );

it('back to back: the way to another process is overhead and in no latency', async (t) => {
  const time = clock(t);
  let windows = 0;
  const asked: number[] = [];
  const load = await play(
    async (samples) => {
      asked.push(samples);
      time.ms += 10;
      return 7;
    },
    { batchSize: 4, onWindow: () => void windows++ },
  );
  assert.deepEqual(load, {
    ...{ latenciesMs: [7, 7, 7], samples: 12, windowMs: 30, overheadMs: 9, stopReason: 'min-reached' },
  });
  assert.deepEqual([asked, windows], [[4, 4, 4], 1]);
});

it('back to back: what the agent does between two queries is overhead, too', async (t) => {
  const time = clock(t, 1);
  const load = await play(async () => {
    time.ms += 10;
  }, {});
  // Start, end and once more between them: each query is 10 ms and the looks around it.
  assert.deepEqual([load.latenciesMs.length, load.overheadMs], [3, 2]);
  const sum = load.latenciesMs.reduce((all, ms) => all + ms, 0);
  assert.equal(sum + load.overheadMs, load.windowMs);
});

it('a query of several samples is so many runs, the last of what is left', async (t) => {
  const time = clock(t);
  const asked: number[] = [];
  const load = await play(
    async (samples) => {
      asked.push(samples);
      time.ms += samples;
    },
    { scenario: { kind: 'multi-stream', samplesPerQuery: 5 }, batchSize: 2, stopRule: stopRule({ minRuns: 2 }) },
  );
  assert.deepEqual(asked, [2, 2, 1, 2, 2, 1]);
  assert.deepEqual([load.latenciesMs, load.samples], [[5, 5], 10]);
});

it('bursts are as long as ten milliseconds take, and no longer than what is left', async (t) => {
  const time = clock(t);
  const asked: [number, number][] = [];
  const burst = async (samples: number, times: number) => {
    asked.push([samples, times]);
    time.ms += 2 * times + 1;
    return new Array<number>(times).fill(2);
  };
  const never = () => assert.fail('it is kept busy by itself');
  const load = await play(never, { burst, batchSize: 3, stopRule: stopRule({ minRuns: 8 }) });
  assert.deepEqual(asked, [
    [3, 1],
    [3, 5],
    [3, 2],
  ]);
  assert.deepEqual(load, {
    ...{ latenciesMs: new Array(8).fill(2), samples: 24, windowMs: 19, overheadMs: 3, stopReason: 'min-reached' },
  });
  asked.length = 0;
  await play(never, { burst, stopRule: stopRule({ minRuns: 3, minDurationMs: 1e5, maxRuns: 9 }) });
  assert.deepEqual(
    asked.map(([, times]) => times),
    [1, 2, 5, 1],
  );
});

it('a burst of what takes a millisecond is of ten', async (t) => {
  const time = clock(t);
  const asked: number[] = [];
  const burst = async (_samples: number, times: number) => {
    asked.push(times);
    time.ms += times;
    return new Array<number>(times).fill(1);
  };
  await play(async () => {}, { burst, stopRule: stopRule({ minRuns: 100, maxRuns: 100 }) });
  assert.deepEqual(asked, [1, ...new Array(9).fill(10), 9]);
});

it('bursts of what is slow are of one, and queries of several runs are none', async (t) => {
  const time = clock(t);
  const asked: number[] = [];
  const burst = async (_samples: number, times: number) => {
    asked.push(times);
    time.ms += 30 * times;
    return new Array<number>(times).fill(30);
  };
  await play(async () => {}, { burst });
  assert.deepEqual(asked, [1, 1, 1]);
  asked.length = 0;
  const scenario = { kind: 'multi-stream', samplesPerQuery: 2 } as const;
  const one = async () => {
    time.ms += 1;
    return undefined;
  };
  await play(one, { burst, scenario, batchSize: 1 });
  assert.deepEqual(asked, []);
  await play(one, { burst, scenario, batchSize: 2 });
  assert.deepEqual(asked.length, 3);
});

it('a server’s batch is full, or as old as it may be; a latency counts from the arrival', async (t) => {
  const time = clock(t, 0.125);
  const batches: number[] = [];
  let windows = 0;
  const server = (batchingWindowMs: number, arrivalsPerS: number) =>
    play(
      async (samples) => {
        batches.push(samples);
        time.ms += 1;
      },
      {
        ...{ scenario: { kind: 'server', arrivalsPerS, batchingWindowMs }, batchSize: 4 },
        ...{ stopRule: stopRule({ minRuns: 200 }), onWindow: () => void windows++ },
      },
    );
  const filled = await server(1e9, 1000);
  assert.ok(batches.every((samples) => samples === 4));
  assert.equal(filled.samples, filled.latenciesMs.length);
  assert.deepEqual([filled.samples, filled.overheadMs, windows], [200, 0, 1]);
  assert.ok(Math.abs(filled.windowMs - 200) < 60, `${filled.windowMs} ms for 200 arrivals at 1000 a second`);
  assert.ok(filled.latenciesMs.every((ms) => ms >= 1));
  batches.length = 0;
  const prompt = await server(0, 100_000 / 1000);
  assert.ok(batches.filter((samples) => samples < 2).length > 150, 'none waits for another');
  assert.ok(prompt.latenciesMs.filter((ms) => ms < 2).length > 150);
});

it('the rates before the window are judged by their queries; the window is as long as was asked for', async (t) => {
  // Nothing is waited for by a timer: queries come every few hundredths of a millisecond.
  const time = clock(t, 0.01);
  const [minDurationMs, startMs] = [300, time.ms];
  let windowStartMs = 0;
  const onWindow = () => {
    windowStartMs = time.ms;
  };
  const load = await play(
    async () => {
      time.ms += 0.02;
    },
    {
      ...{ scenario: { kind: 'server', p99BoundMs: 0.2, batchingWindowMs: 0 }, batchSize: 1, onWindow },
      stopRule: stopRule({ minDurationMs, maxDurationMs: 1e8 }),
    },
  );
  const searchMs = windowStartMs - startMs;
  assert.ok(searchMs > 0 && searchMs < 4 * minDurationMs, `${searchMs} ms for the whole search`);
  assert.ok(load.windowMs >= minDurationMs && load.windowMs < minDurationMs + 100, `${load.windowMs} ms`);
  assert.equal(load.stopReason, 'converged');
});

it('a server that waits lets the others of its process do their work, before a batch and while one fills', async (t) => {
  const time = clock(t, 0.02);
  let over = false;
  let longestMs = 0;
  let lastMs = time.ms;
  const turn = () => {
    longestMs = Math.max(longestMs, time.ms - lastMs);
    lastMs = time.ms;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  await play(async () => {}, {
    ...{ scenario: { kind: 'server', arrivalsPerS: 1000, batchingWindowMs: 1e9 }, batchSize: 4 },
    stopRule: stopRule({ minRuns: 100 }),
  });
  over = true;
  // Queries come every millisecond.
  assert.ok(longestMs > 0 && longestMs < 0.5, `${longestMs} ms without a turn of the event loop`);
});

it('a rate is searched in a tenth of the time each, below what the median of five full batches can do', async (t) => {
  const time = clock(t, 0.01);
  const asked: number[] = [];
  const startMs = time.ms;
  const load = await play(
    async (samples) => {
      asked.push(samples);
      // Each batch takes as long, but for the second and third: were fewer looked at, they would be the median.
      time.ms += asked.length === 2 || asked.length === 3 ? 1 : 0.02;
    },
    {
      ...{ scenario: { kind: 'server', p99BoundMs: 0.5, batchingWindowMs: 0 }, batchSize: 4 },
      stopRule: stopRule({ maxDurationMs: 100 }),
    },
  );
  assert.deepEqual(asked.slice(0, 6), [4, 4, 4, 4, 4, 1]);
  assert.equal(load.stopReason, 'max-duration');
  assert.ok(load.windowMs >= 10 && load.windowMs < 11, `${load.windowMs} ms of 100 for a window`);
  assert.ok(time.ms - startMs < 200, `${time.ms - startMs} ms in all`);
});
