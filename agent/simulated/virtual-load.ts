/** Load generator in virtual time: the scenarios of MLPerf Inference (https://arxiv.org/abs/1911.02549) on a simulated board. */
import {
  createRateJudge,
  createRateSearch,
  noRateKeeps,
  QUERIES_PER_RATE,
  RUNS_PER_SEARCH,
} from '@edgetune/shared/domain/rate-search.ts';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { type StopReason, stopper } from '../measure/window/stopper.ts';
import type { VirtualRun } from './virtual-run.ts';

/** One query: `samples` samples in runs of at most `batchSize`. */
function query(run: VirtualRun, samples: number, batchSize: number): number {
  let ms = 0;
  for (let left = samples; left > 0; left -= batchSize) ms += run.run(Math.min(left, batchSize));
  return ms;
}

function backToBack(
  run: VirtualRun,
  rule: StopRule,
  samples: number,
  batchSize: number,
): { latenciesMs: number[]; stopReason: StopReason } {
  const stop = stopper(rule);
  const latenciesMs: number[] = [];
  for (;;) {
    latenciesMs.push(query(run, samples, batchSize));
    const stopReason = stop(latenciesMs, run.elapsedMs);
    if (stopReason) return { latenciesMs, stopReason };
  }
}

interface ServerLoad {
  batchSize: number;
  batchingWindowMs: number;
  random: Random;
}

/** Poisson arrivals into one queue; a run starts when the batch is full or the oldest sample's window is over. */
function serve<Reason>(
  run: VirtualRun,
  { batchSize, batchingWindowMs, random }: ServerLoad,
  arrivalsPerS: number,
  stop: (latenciesMs: readonly number[], elapsedMs: number) => Reason | null,
): { latenciesMs: number[]; stopReason: Reason } {
  const latenciesMs: number[] = [];
  const startMs = run.elapsedMs;
  const gapMs = 1000 / arrivalsPerS;
  const arrivals: number[] = [];
  let lastMs = startMs;
  const arrival = (index: number): number => {
    while (arrivals.length <= index) {
      lastMs += gapMs * random.exponential();
      arrivals.push(lastMs);
    }
    return arrivals[index] as number;
  };
  for (let first = 0; ; ) {
    const free = run.elapsedMs;
    const oldest = arrival(first);
    const closes = Math.max(free, Math.min(arrival(first + batchSize - 1), oldest + batchingWindowMs));
    let size = 1;
    while (size < batchSize && arrival(first + size) <= closes) size += 1;
    run.wait(Math.max(closes, oldest) - free);
    run.run(size);
    for (let index = first; index < first + size; index += 1) latenciesMs.push(run.elapsedMs - arrival(index));
    first += size;
    const stopReason = stop(latenciesMs, run.elapsedMs - startMs);
    if (stopReason) return { latenciesMs, stopReason };
  }
}

const CAPACITY_RUNS = 5;

/** Searches the highest rate that keeps the bound; the window is the run that confirms it. @throws {RateNotFoundError} */
function serveHighestRate(
  run: VirtualRun,
  load: ServerLoad,
  { p99BoundMs, rule, onWindow }: { p99BoundMs: number; rule: StopRule; onWindow: () => void },
): { latenciesMs: number[]; stopReason: StopReason } {
  const startMs = run.elapsedMs;
  for (let runs = 0; runs < CAPACITY_RUNS; runs += 1) run.run(load.batchSize);
  const search = createRateSearch((1000 * CAPACITY_RUNS * load.batchSize) / (run.elapsedMs - startMs));
  const maxDurationMs = rule.maxDurationMs / RUNS_PER_SEARCH;
  for (let step = search.next(); step; step = search.next()) {
    if (step.isWindow) onWindow();
    const minDurationMs = step.isWindow ? rule.minDurationMs : 0;
    const judge = createRateJudge(p99BoundMs, { minDurationMs, maxDurationMs });
    const { latenciesMs, stopReason } = serve(run, load, step.ratePerS, judge);
    if (step.isWindow && stopReason === 'passed')
      return { latenciesMs, stopReason: latenciesMs.length < QUERIES_PER_RATE ? 'max-duration' : 'converged' };
    search.tell(stopReason);
  }
  throw noRateKeeps(p99BoundMs);
}

/**
 * Plays a scenario. Returns the latency of each query from its scheduled issue time (offline: of each run of a batch).
 * @param onWindow called when the window begins; again where another one takes its place
 * @throws {RateNotFoundError} where no rate keeps the bound of a server scenario
 */
export function playScenario(
  run: VirtualRun,
  scenario: Scenario,
  batchSize: number,
  rule: StopRule,
  random: Random,
  onWindow: () => void = () => {},
): { latenciesMs: number[]; stopReason: StopReason } {
  if (scenario.kind !== 'server') {
    onWindow();
    return backToBack(run, rule, scenario.kind === 'multi-stream' ? scenario.samplesPerQuery : batchSize, batchSize);
  }
  const { arrivalsPerS, p99BoundMs, batchingWindowMs } = scenario;
  const load = { batchSize, batchingWindowMs, random };
  if (arrivalsPerS === undefined)
    return serveHighestRate(run, load, { p99BoundMs: p99BoundMs as number, rule, onWindow });
  onWindow();
  return serve(run, load, arrivalsPerS, stopper(rule));
}
