/**
 * The measuring process: loads one model, warms it up, plays the scenario, reports, and ends. A fresh process for each
 * measurement, because ONNX Runtime's arena never shrinks and a model may bring down its process.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { type MeasureOrder, type MeasureReport, measureOrderSchema } from './child-messages.ts';
import { InputError, makeInputs } from './model-inputs.ts';
import { playRealLoad } from './real-load.ts';

function report(message: MeasureReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });
}

/** A field of /proc/self/status in bytes (proc(5): given in kB), or null. */
function ownMemory(field: 'VmRSS' | 'VmHWM'): number | null {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}

/** Sets the high-water mark back to what is resident now (proc(5), /proc/pid/clear_refs, since Linux 4.0). */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Older kernels keep the mark: the peak is then that of the whole process, less what was resident.
  }
}

const RUNS_AFTER_WAITING = 2;

/** The batches besides the full one that the scenario can bring about. */
function otherBatches({ scenario, config: { batchSize } }: MeasureOrder): number[] {
  if (scenario.kind === 'server') return Array.from({ length: batchSize - 1 }, (_, i) => i + 1);
  const rest = scenario.kind === 'multi-stream' ? scenario.samplesPerQuery % batchSize : 0;
  return rest > 0 ? [rest] : [];
}

async function measure(order: MeasureOrder): Promise<MeasureReport> {
  const { config, scenario, stopRule, dimensions, seed } = order;
  const ort = await import('onnxruntime-node');
  const residentBefore = ownMemory('VmRSS');
  resetPeak();
  const session: InferenceSession = await ort.InferenceSession.create(order.modelPath, {
    executionProviders: ['cpu'],
    intraOpNumThreads: config.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const feeds = new Map<number, Record<string, Tensor>>();
  let outputRows: number | null = null;
  const run = async (samples: number) => {
    let inputs = feeds.get(samples);
    if (!inputs) {
      inputs = makeInputs(session, { batchSize: samples, dimensions, seed });
      feeds.set(samples, inputs);
    }
    const outputs = await session.run(inputs);
    outputRows = outputs[session.outputNames[0] as string]?.dims[0] ?? null;
  };
  // The first run of a shape plans its memory: that belongs into no latency.
  for (const samples of otherBatches(order)) await run(samples);
  for (let i = 0; i < Math.max(1, stopRule.warmupRuns); i++) await run(config.batchSize);
  const warmRows = outputRows;
  const begin = new Promise((resolve) => process.once('message', resolve));
  await report({ type: 'ready' });
  await begin;
  // While it waited its data have left the caches.
  for (let i = 0; i < RUNS_AFTER_WAITING; i++) await run(config.batchSize);
  const cpuBefore = process.cpuUsage();
  const load = await playRealLoad(run, { scenario, batchSize: config.batchSize, stopRule, seed });
  const { user, system } = process.cpuUsage(cpuBefore);
  const peak = ownMemory('VmHWM');
  return {
    type: 'done',
    ...load,
    cpuSeconds: (user + system) / 1e6,
    peakMemoryBytes: peak === null || residentBefore === null ? null : Math.max(0, peak - residentBefore),
    outputRows: warmRows,
  };
}

process.once('message', async (message) => {
  try {
    await report(await measure(measureOrderSchema.parse(message)));
  } catch (error) {
    const rejected =
      error instanceof InputError ||
      /not implemented|unsupported|opset|invalid (model|graph)|load model|Protobuf parsing failed/i.test(
        (error as Error).message,
      );
    await report({ type: 'failed', rejected, message: (error as Error).message });
  }
  process.exit();
});
process.on('disconnect', () => process.exit());
