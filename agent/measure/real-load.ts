/** Load generator in real time: MLPerf Inference's scenarios (https://arxiv.org/abs/1911.02549) on a runner. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createRateJudge,
  createRateSearch,
  QUERIES_PER_RATE,
  type RateVerdict,
} from '@edgetune/shared/domain/rate-search.ts';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { type StopReason, stopper } from './stopper.ts';

/**
 * Runs so many samples at once and resolves when their outputs are there; where another process executes them, to the
 * milliseconds that it took there: the way there and back is the agent's and no part of a latency.
 */
export type RunBatch = (samples: number) => Promise<number | null | undefined>;

export interface LoadResult {
  latenciesMs: number[];
  samples: number;
  windowMs: number;
  /** How much of the window the agent itself took between back-to-back queries: ways to another process, arithmetic. */
  overheadMs: number;
  stopReason: StopReason;
}

export interface LoadOptions {
  scenario: Scenario;
  batchSize: number;
  stopRule: StopRule;
  seed: number;
  /** Called when the window begins: a search for the highest rate comes before it. */
  onWindow?: () => void | Promise<void>;
}

/** @throws {RateNotFoundError} where no rate keeps the bound of a server scenario */
export async function playRealLoad(run: RunBatch, options: LoadOptions): Promise<LoadResult> {
  const { scenario, batchSize, stopRule, onWindow } = options;
  if (scenario.kind === 'server') {
    const server = { run, batchSize, batchingWindowMs: scenario.batchingWindowMs, seed: options.seed };
    const { arrivalsPerS, p99BoundMs } = scenario;
    const rate = arrivalsPerS ?? (await highestRate(server, p99BoundMs as number, stopRule.maxDurationMs));
    await onWindow?.();
    const minRuns = arrivalsPerS === undefined ? Math.max(stopRule.minRuns, QUERIES_PER_RATE) : stopRule.minRuns;
    return serve(server, rate, stopper({ ...stopRule, minRuns }));
  }
  await onWindow?.();
  const perQuery = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery : batchSize;
  return backToBack(run, perQuery, batchSize, stopRule);
}

/** The next query starts when the last has ended. */
async function backToBack(run: RunBatch, perQuery: number, batchSize: number, stopRule: StopRule): Promise<LoadResult> {
  const stop = stopper(stopRule);
  const latenciesMs: number[] = [];
  const start = performance.now();
  let overheadMs = 0;
  for (let issued = start; ; ) {
    let wayMs = 0;
    for (let left = perQuery; left > 0; left -= batchSize) wayMs += (await timed(run, Math.min(left, batchSize))).wayMs;
    const done = performance.now();
    latenciesMs.push(done - issued - wayMs);
    overheadMs += wayMs;
    const windowMs = done - start;
    const stopReason = stop(latenciesMs, windowMs);
    if (stopReason) return { latenciesMs, samples: latenciesMs.length * perQuery, windowMs, overheadMs, stopReason };
    // The agent's own arithmetic belongs into no latency either.
    issued = performance.now();
    overheadMs += issued - done;
  }
}

/** Runs, and tells how long the way to another process and back took (0 where the run was in this one). */
async function timed(run: RunBatch, samples: number): Promise<{ doneMs: number; wayMs: number }> {
  const startMs = performance.now();
  const ownMs = await run(samples);
  const doneMs = performance.now();
  return { doneMs, wayMs: typeof ownMs === 'number' ? Math.max(0, doneMs - startMs - ownMs) : 0 };
}

/** Below this a timer is too coarse: the rest is waited for by turning the event loop. */
const TIMER_RESOLUTION_MS = 2;

interface Server {
  run: RunBatch;
  batchSize: number;
  batchingWindowMs: number;
  seed: number;
}

/** Samples arrive as a Poisson process; a batch is run when it is full or the window of its oldest sample is over. */
async function serve<Reason>(
  { run, batchSize, batchingWindowMs, seed }: Server,
  arrivalsPerS: number,
  stop: (latenciesMs: readonly number[], elapsedMs: number) => Reason | null,
): Promise<Omit<LoadResult, 'stopReason'> & { stopReason: Reason }> {
  const nextGapMs = exponentialGaps(arrivalsPerS, seed);
  const latenciesMs: number[] = [];
  const waiting: number[] = [];
  const start = performance.now();
  let nextArrival = start + nextGapMs();
  const admit = (now: number) => {
    for (; nextArrival <= now; nextArrival += nextGapMs()) waiting.push(nextArrival);
  };
  for (;;) {
    admit(performance.now());
    const oldest = waiting[0];
    if (oldest === undefined) {
      await waitUntil(nextArrival);
      continue;
    }
    const windowEnd = oldest + batchingWindowMs;
    if (waiting.length < batchSize && performance.now() < windowEnd) {
      await waitUntil(Math.min(nextArrival, windowEnd));
      continue;
    }
    const batch = waiting.splice(0, batchSize);
    const { doneMs: done, wayMs } = await timed(run, batch.length);
    for (const scheduled of batch) latenciesMs.push(done - scheduled - wayMs);
    const windowMs = done - start;
    const stopReason = stop(latenciesMs, windowMs);
    if (stopReason) return { latenciesMs, samples: latenciesMs.length, windowMs, overheadMs: 0, stopReason };
  }
}

const CAPACITY_RUNS = 5;

/** In samples per second. @throws {RateNotFoundError} */
async function highestRate(server: Server, p99BoundMs: number, maxDurationMs: number): Promise<number> {
  const start = performance.now();
  const isTimeUp = () => performance.now() - start >= maxDurationMs;
  for (let runs = 0; runs < CAPACITY_RUNS; runs += 1) await server.run(server.batchSize);
  const capacityPerS = (1000 * CAPACITY_RUNS * server.batchSize) / (performance.now() - start);
  const search = createRateSearch(capacityPerS, p99BoundMs);
  for (let rate = search.next(); rate !== null; rate = search.next()) {
    const judge = createRateJudge(p99BoundMs);
    const stop = (latenciesMs: readonly number[]): RateVerdict | null =>
      judge(latenciesMs) ?? (isTimeUp() ? 'late' : null);
    search.tell((await serve(server, rate, stop)).stopReason);
  }
  return search.found();
}

async function waitUntil(due: number): Promise<void> {
  const left = due - performance.now();
  if (left > TIMER_RESOLUTION_MS) await sleep(left - TIMER_RESOLUTION_MS);
  while (performance.now() < due) await new Promise(setImmediate);
}

/** Gaps between arrivals of a Poisson process by inversion, seeded. */
function exponentialGaps(arrivalsPerS: number, seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (-Math.log(1 - state / 2 ** 32) / arrivalsPerS) * 1000;
  };
}
