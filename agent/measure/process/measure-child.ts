/**
 * The measuring process: loads one model, warms it up, plays the scenario, reports, and ends. A fresh process for each
 * measurement, because ONNX Runtime's arena never shrinks and a model may bring down its process.
 */
import { partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { RateNotFoundError } from '@edgetune/shared/domain/rate-search.ts';
import { monotonicMs } from '../../board/kernel-time.ts';
import { RUNNERS } from '../../runners/all.ts';
import { type CommandedModel, ModelRefusedError, type Runner, type SelfTimedModel } from '../../runners/runner.ts';
import { playRealLoad } from '../window/real-load.ts';
import {
  type AgentWord,
  agentWordSchema,
  type MeasureOrder,
  type MeasureReport,
  measureOrderSchema,
} from './child-messages.ts';

function report(message: MeasureReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });
}

const RUNS_AFTER_WAITING = 2;
/** From the second run on ONNX Runtime follows the memory plan that the first one made. */
const LEAST_WARM_UP_RUNS = 2;

/** The batches besides the full one that the scenario can bring about. */
function otherBatches({ scenario, config: { batchSize } }: MeasureOrder): number[] {
  if (scenario.kind === 'server') return Array.from({ length: batchSize - 1 }, (_, i) => i + 1);
  const rest = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery % batchSize : 0;
  return rest > 0 ? [rest] : [];
}

/** How often it is said that an engine is still being built, and for how long at most. */
const PREPARING = { everyMs: 5_000, mostMs: 30 * 60_000 };

async function measure(order: MeasureOrder): Promise<MeasureReport> {
  const stopSaying = order.config.executionProvider === 'tensorrt' ? sayPreparing() : () => {};
  const runner = await runnerOf(order).start(order);
  await agentSays('load', { type: 'started' });
  const model = await runner.load();
  return model.kind === 'commanded' ? playOn(model, order, stopSaying) : letPlay(model, stopSaying);
}

/** @throws {ModelRefusedError} where this agent has no such runner */
function runnerOf({ config }: MeasureOrder): Runner {
  const runner = partNamed(RUNNERS, config.runner);
  if (!runner) throw new ModelRefusedError(unknownPart('runner', config.runner, RUNNERS));
  return runner;
}

function sayPreparing(): () => void {
  const startMs = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - startMs < PREPARING.mostMs) void report({ type: 'preparing' });
  }, PREPARING.everyMs);
  return () => clearInterval(timer);
}

async function playOn(model: CommandedModel, order: MeasureOrder, onWarm: () => void): Promise<MeasureReport> {
  const { config, scenario, stopRule, seed } = order;
  let outputRows: number | null = null;
  const warmUp = async (samples: number) => {
    ({ outputRows } = await model.run(samples));
    // Outputs that JavaScript has not collected yet are no memory of the model's.
    globalThis.gc?.();
  };
  // The first run of a shape plans its memory: that belongs into no latency.
  for (const samples of otherBatches(order)) await warmUp(samples);
  for (let i = 0; i < Math.max(LEAST_WARM_UP_RUNS, stopRule.warmupRuns); i++) await warmUp(config.batchSize);
  const { peakMemoryBytes, processPeakMemoryBytes } = await model.usage();
  onWarm();
  await agentSays('begin', { type: 'ready' });
  // While it waited its data have left the caches.
  for (let i = 0; i < RUNS_AFTER_WAITING; i++) await model.run(config.batchSize);
  // The load begins its window before it resolves.
  let start!: { atMs: number; cpuSeconds: number; attendingCpuSeconds: number };
  const load = await playRealLoad(async (samples) => (await model.run(samples)).durationMs, {
    scenario,
    batchSize: config.batchSize,
    stopRule,
    seed,
    burst: (samples, times) => model.burst(samples, times),
    onWindow: async () => {
      const { cpuSeconds } = await model.usage();
      start = { cpuSeconds, attendingCpuSeconds: attendingCpuSeconds(order), atMs: monotonicMs() };
    },
  });
  const { cpuSeconds } = await model.usage();
  return {
    type: 'done',
    ...load,
    windowStartMs: start.atMs,
    cpuSeconds: cpuSeconds - start.cpuSeconds,
    attendingCpuSeconds: attendingCpuSeconds(order) - start.attendingCpuSeconds,
    peakMemoryBytes,
    processPeakMemoryBytes,
    outputRows,
  };
}

async function letPlay(model: SelfTimedModel, onWarm: () => void): Promise<MeasureReport> {
  onWarm();
  await agentSays('begin', { type: 'ready' });
  // While the runner plays this process only waits.
  return { type: 'done', outputRows: null, attendingCpuSeconds: 0, ...(await model.play()) };
}

/** What this process has computed for a model that is executed in another one: it is no load by others. */
function attendingCpuSeconds(order: MeasureOrder): number {
  if (runnerOf(order).executesHere) return 0;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Reports and waits for the agent's word. */
async function agentSays(word: AgentWord, message: MeasureReport): Promise<void> {
  const said = new Promise<unknown>((resolve) => process.once('message', resolve));
  await report(message);
  agentWordSchema.extract([word]).parse(await said);
}

process.once('message', async (message) => {
  try {
    await report(await measure(measureOrderSchema.parse(message)));
  } catch (error) {
    await report({
      type: 'failed',
      rejected: error instanceof ModelRefusedError || error instanceof RateNotFoundError,
      message: (error as Error).message,
    });
  }
  process.exit();
});
process.on('disconnect', () => process.exit());
// Whoever stops the agent (Ctrl-C, systemd) may tell all of its processes; only the agent ends this one, lest it seem to crash.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
