/** Load generator in virtual time: the scenarios of MLPerf Inference (https://arxiv.org/abs/1911.02549) on a simulated board. */
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { StopRule } from '@edgetune/shared/protocol/job.ts';
import { type StopReason, stopper } from '../measure/stopper.ts';
import type { Random } from './noise.ts';
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
  latencies: number[],
): StopReason {
  const stop = stopper(rule);
  for (;;) {
    latencies.push(query(run, samples, batchSize));
    const reason = stop(latencies, run.elapsedMs);
    if (reason) return reason;
  }
}

/** Poisson arrivals into one queue; a run starts when the batch is full or the oldest sample's window is over. */
function server(
  run: VirtualRun,
  rule: StopRule,
  scenario: Extract<Scenario, { kind: 'server' }>,
  batchSize: number,
  random: Random,
  latencies: number[],
): StopReason {
  const stop = stopper(rule);
  const gapMs = 1000 / scenario.arrivalsPerS;
  const arrivals: number[] = [];
  let lastMs = 0;
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
    const closes = Math.max(free, Math.min(arrival(first + batchSize - 1), oldest + scenario.batchingWindowMs));
    let size = 1;
    while (size < batchSize && arrival(first + size) <= closes) size += 1;
    run.wait(Math.max(closes, oldest) - free);
    run.run(size);
    for (let index = first; index < first + size; index += 1) latencies.push(run.elapsedMs - arrival(index));
    first += size;
    const reason = stop(latencies, run.elapsedMs);
    if (reason) return reason;
  }
}

/**
 * Plays a scenario. Returns the latency of each query from its scheduled issue time (offline: of each run of a batch).
 */
export function playScenario(
  run: VirtualRun,
  scenario: Scenario,
  batchSize: number,
  rule: StopRule,
  random: Random,
): { latenciesMs: number[]; stopReason: StopReason } {
  const latenciesMs: number[] = [];
  const samples = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery : batchSize;
  const stopReason =
    scenario.kind === 'server'
      ? server(run, rule, scenario, batchSize, random, latenciesMs)
      : backToBack(run, rule, samples, batchSize, latenciesMs);
  return { latenciesMs, stopReason };
}
