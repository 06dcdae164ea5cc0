/** Load generator in real time: MLPerf Inference's scenarios (https://arxiv.org/abs/1911.02549) on a runner. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { type StopReason, stopper } from './stopper.ts';

/** Runs so many samples at once and resolves when their outputs are there. */
export type RunBatch = (samples: number) => Promise<unknown>;

export interface LoadResult {
  latenciesMs: number[];
  samples: number;
  windowMs: number;
  stopReason: StopReason;
}

export async function playRealLoad(
  run: RunBatch,
  options: { scenario: Scenario; batchSize: number; stopRule: StopRule; seed: number },
): Promise<LoadResult> {
  const { scenario, batchSize, stopRule, seed } = options;
  if (scenario.kind === 'server') return serve(run, scenario, batchSize, stopRule, seed);
  const perQuery = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery : batchSize;
  return backToBack(run, perQuery, batchSize, stopRule);
}

/** The next query starts when the last has ended. */
async function backToBack(run: RunBatch, perQuery: number, batchSize: number, stopRule: StopRule): Promise<LoadResult> {
  const stop = stopper(stopRule);
  const latenciesMs: number[] = [];
  const start = performance.now();
  for (let issued = start; ; ) {
    for (let left = perQuery; left > 0; left -= batchSize) await run(Math.min(left, batchSize));
    const done = performance.now();
    latenciesMs.push(done - issued);
    issued = done;
    const stopReason = stop(latenciesMs, done - start);
    if (stopReason) return { latenciesMs, samples: latenciesMs.length * perQuery, windowMs: done - start, stopReason };
  }
}

/** Below this a timer is too coarse: the rest is waited for by turning the event loop. */
const TIMER_RESOLUTION_MS = 2;

/** Samples arrive as a Poisson process; a batch is run when it is full or the window of its oldest sample is over. */
async function serve(
  run: RunBatch,
  { arrivalsPerS, batchingWindowMs }: Extract<Scenario, { kind: 'server' }>,
  batchSize: number,
  stopRule: StopRule,
  seed: number,
): Promise<LoadResult> {
  const stop = stopper(stopRule);
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
    await run(batch.length);
    const done = performance.now();
    for (const scheduled of batch) latenciesMs.push(done - scheduled);
    const stopReason = stop(latenciesMs, done - start);
    if (stopReason) return { latenciesMs, samples: latenciesMs.length, windowMs: done - start, stopReason };
  }
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
