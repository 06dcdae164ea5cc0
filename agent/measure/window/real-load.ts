/** Load generator in real time: MLPerf Inference's scenarios (https://arxiv.org/abs/1911.02549) on a runner. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createRateJudge,
  createRateSearch,
  noRateKeeps,
  QUERIES_PER_RATE,
  RUNS_PER_SEARCH,
} from '@edgetune/shared/domain/rate-search.ts';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import { quantileOfSorted } from '@edgetune/shared/domain/statistics.ts';
import { congruential32 } from '@edgetune/shared/math/generators.ts';
import { variates } from '@edgetune/shared/math/random.ts';
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

/** Runs so many samples again and again without a pause; resolves to how long each run took, in ms. */
export type RunBurst = (samples: number, times: number) => Promise<readonly number[]>;

export interface LoadOptions {
  scenario: Scenario;
  batchSize: number;
  stopRule: StopRule;
  seed: number;
  /** Where the runner can keep itself busy: queries that are one run each are not commanded one by one. */
  burst?: RunBurst;
  /** Called when the window begins; again where another one takes its place: a rate that was found did not hold in it. */
  onWindow?: () => void | Promise<void>;
}

/** @throws {RateNotFoundError} where no rate keeps the bound of a server scenario */
export async function playRealLoad(run: RunBatch, options: LoadOptions): Promise<LoadResult> {
  const { scenario, batchSize, stopRule, onWindow } = options;
  if (scenario.kind === 'server') {
    const server = { run, batchSize, batchingWindowMs: scenario.batchingWindowMs, seed: options.seed };
    const { arrivalsPerS, p99BoundMs } = scenario;
    if (arrivalsPerS === undefined) return serveHighestRate(server, p99BoundMs as number, options);
    await onWindow?.();
    return serve(server, arrivalsPerS, stopper(stopRule));
  }
  await onWindow?.();
  const perQuery = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery : batchSize;
  return options.burst && perQuery <= batchSize
    ? inBursts(options.burst, perQuery, stopRule)
    : backToBack(run, perQuery, batchSize, stopRule);
}

/** Long enough that the first run of a burst, which finds cold caches, is one among many; short enough to stop in time. */
const BURST_MS = 10;

/** The next query starts when the last has ended; what the agent does between bursts is in no latency. */
async function inBursts(burst: RunBurst, perQuery: number, stopRule: StopRule): Promise<LoadResult> {
  const stop = stopper(stopRule);
  const latenciesMs: number[] = [];
  const start = performance.now();
  let runningMs = 0;
  for (let times = 1; ; ) {
    const took = await burst(perQuery, times);
    latenciesMs.push(...took);
    const burstMs = took.reduce((sum, ms) => sum + ms, 0);
    runningMs += burstMs;
    const windowMs = performance.now() - start;
    const stopReason = stop(latenciesMs, windowMs);
    if (stopReason) {
      const overheadMs = Math.max(0, windowMs - runningMs);
      return { latenciesMs, samples: latenciesMs.length * perQuery, windowMs, overheadMs, stopReason };
    }
    const count = latenciesMs.length;
    const left = (count < stopRule.minRuns ? stopRule.minRuns : stopRule.maxRuns) - count;
    times = Math.max(1, Math.min(left, Math.floor((BURST_MS * took.length) / burstMs)));
  }
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

/** Samples per second of a runner that never waits: by its median run, or one that was disturbed would cap the search. */
async function capacityOf({ run, batchSize }: Server): Promise<number> {
  const runsMs: number[] = [];
  for (let runs = 0; runs < CAPACITY_RUNS; runs += 1) {
    const start = performance.now();
    await run(batchSize);
    runsMs.push(performance.now() - start);
  }
  runsMs.sort((a, b) => a - b);
  return (1000 * batchSize) / quantileOfSorted(runsMs, 0.5);
}

/** Searches the highest rate that keeps the bound; the window is the run that confirms it. @throws {RateNotFoundError} */
async function serveHighestRate(
  server: Server,
  p99BoundMs: number,
  { stopRule, onWindow }: LoadOptions,
): Promise<LoadResult> {
  const search = createRateSearch(await capacityOf(server));
  const { minDurationMs } = stopRule;
  const maxDurationMs = stopRule.maxDurationMs / RUNS_PER_SEARCH;
  for (let step = search.next(); step; step = search.next()) {
    if (step.isWindow) await onWindow?.();
    const judge = createRateJudge(p99BoundMs, { minDurationMs: step.isWindow ? minDurationMs : 0, maxDurationMs });
    const played = await serve(server, step.ratePerS, judge);
    if (step.isWindow && played.stopReason === 'passed')
      return { ...played, stopReason: played.samples < QUERIES_PER_RATE ? 'max-duration' : 'converged' };
    search.tell(played.stopReason);
  }
  throw noRateKeeps(p99BoundMs);
}

async function waitUntil(due: number): Promise<void> {
  const left = due - performance.now();
  if (left > TIMER_RESOLUTION_MS) await sleep(left - TIMER_RESOLUTION_MS);
  while (performance.now() < due) await new Promise(setImmediate);
}

/** Gaps between arrivals of a Poisson process by inversion, seeded. */
function exponentialGaps(arrivalsPerS: number, seed: number): () => number {
  const bits = congruential32(seed ^ 0x9e3779b9);
  const { exponential } = variates(() => bits() / 2 ** 32);
  return () => (exponential() / arrivalsPerS) * 1000;
}
