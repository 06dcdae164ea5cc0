/**
 * The measuring process: loads one model, warms it up, plays the scenario, reports, and ends. A fresh process for each
 * measurement, because ONNX Runtime's arena never shrinks and a model may bring down its process.
 */
import { ModelRefusedError } from '../runners/runner.ts';
import { runnerNamed } from '../runners/runners.ts';
import { type MeasureOrder, type MeasureReport, measureOrderSchema } from './child-messages.ts';
import { playRealLoad } from './real-load.ts';

function report(message: MeasureReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });
}

const RUNS_AFTER_WAITING = 2;

/** The batches besides the full one that the scenario can bring about. */
function otherBatches({ scenario, config: { batchSize } }: MeasureOrder): number[] {
  if (scenario.kind === 'server') return Array.from({ length: batchSize - 1 }, (_, i) => i + 1);
  const rest = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery % batchSize : 0;
  return rest > 0 ? [rest] : [];
}

async function measure(order: MeasureOrder): Promise<MeasureReport> {
  const { config, scenario, stopRule, seed } = order;
  const model = await runnerNamed(config.runner).load(order);
  // The first run of a shape plans its memory: that belongs into no latency.
  for (const samples of otherBatches(order)) await model.run(samples);
  let outputRows: number | null = null;
  for (let i = 0; i < Math.max(1, stopRule.warmupRuns); i++) outputRows = await model.run(config.batchSize);
  const begin = new Promise((resolve) => process.once('message', resolve));
  await report({ type: 'ready' });
  await begin;
  // While it waited its data have left the caches.
  for (let i = 0; i < RUNS_AFTER_WAITING; i++) await model.run(config.batchSize);
  const before = await model.usage();
  // All processes of a machine share this clock, other than performance.now().
  const windowStartMs = Number(process.hrtime.bigint()) / 1e6;
  const load = await playRealLoad((samples) => model.run(samples), {
    scenario,
    batchSize: config.batchSize,
    stopRule,
    seed,
  });
  const after = await model.usage();
  return {
    type: 'done',
    ...load,
    windowStartMs,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakMemoryBytes: after.peakMemoryBytes,
    outputRows,
  };
}

process.once('message', async (message) => {
  try {
    await report(await measure(measureOrderSchema.parse(message)));
  } catch (error) {
    await report({
      type: 'failed',
      rejected: error instanceof ModelRefusedError,
      message: (error as Error).message,
    });
  }
  process.exit();
});
process.on('disconnect', () => process.exit());
