/** Tail latency of this machine: idle, beside two trials that train, and beside them under the host lease. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from '@edgetune/shared/domain/measurement.ts';
import { BY_ACCURACY } from '@edgetune/shared/domain/objective.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { thisMachine } from '../../agent/this-machine/agent-board.ts';
import { createHostLease } from '../../coordinator/fleet/host-lease.ts';
import { createTrainingService } from '../../coordinator/training/create-training-service.ts';
import type { BenchTable } from './support.ts';

const DATASET = { format: 'synthetic-images', classes: 8, samples: 2000, imageSize: 16, channels: 3, seed: 1 } as const;
const ROUNDS = 3;

/** Medians over interleaved rounds, so that a drift of the machine's speed meets all rows alike. */
export async function benchDisturbance(): Promise<BenchTable> {
  const folder = mkdtempSync(join(tmpdir(), 'edgetune-bench-'));
  const training = createTrainingService({ log: plainLogger(() => {}) });
  try {
    const task = {
      workload: 'image-classifier' as const,
      dataset: DATASET,
      candidate: { width: 32, depth: 3, block: 'residual' },
      seed: 1,
    };
    const { onnx } = await training.buildArchitecture(task);
    const modelPath = join(folder, 'model.onnx');
    writeFileSync(modelPath, onnx);
    const lease = createHostLease(() => training.pause());
    const board = await thisMachine({ toleratesLoad: true }).describe();
    const request = measureRequestSchema.parse({
      kind: 'measure',
      modelSha256: createHash('sha256').update(onnx).digest('hex'),
      modelBytes: onnx.length,
      signature: 'bench',
      config: { batchSize: 1, threads: 1 },
      scenario: { kind: 'single-stream' },
      stopRule: { minDurationMs: 2000 },
    });
    const measure = async (mayBegin?: () => Promise<void>) => {
      const startMs = performance.now();
      const signal = new AbortController().signal;
      const measurement = await thisMachine({ toleratesLoad: true }).measure(request, {
        board,
        modelPath,
        signal,
        ...(mayBegin ? { mayBegin } : {}),
      });
      return { measurement, totalMs: performance.now() - startMs };
    };
    const results = { idle: [] as Measurement[], leased: [] as Measurement[], disturbed: [] as Measurement[] };
    const overheadsMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const idle = await measure();
      results.idle.push(idle.measurement);
      overheadsMs.push(
        idle.totalMs - (idle.measurement.latencyMs?.count ?? 0) * (idle.measurement.latencyMs?.mean ?? 0),
      );
      const controller = new AbortController();
      const trials = [1, 2].map((seed) =>
        training
          .train(
            {
              ...task,
              seed,
              budget: { epochs: 1000, dataFraction: 1 },
              cores: 1,
              judgedBy: BY_ACCURACY,
              checkpoint: null,
            },
            () => {},
            controller.signal,
          )
          .catch(() => {}),
      );
      results.disturbed.push((await measure()).measurement);
      let giveBack = () => {};
      const leased = await measure(async () => {
        giveBack = await lease.acquire(controller.signal);
      });
      giveBack();
      results.leased.push(leased.measurement);
      controller.abort(new Error('the round is over'));
      await Promise.all(trials);
    }
    const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
    const p = (list: Measurement[], name: 'p50' | 'p99') => median(list.map((m) => m.latencyMs?.[name] ?? Number.NaN));
    const row = (name: string, list: Measurement[]) => ({
      'this machine': name,
      'p50 ms': p(list, 'p50'),
      'p99 ms': p(list, 'p99'),
      'p99 ÷ idle p99': p(list, 'p99') / p(results.idle, 'p99'),
      'overhead ms': name === 'idle' ? median(overheadsMs) : null,
    });
    return {
      title: 'Measuring this machine beside two busy trials (overhead: process, loading, warm-up around a 2 s window)',
      rows: [
        row('idle', results.idle),
        row('beside two trials', results.disturbed),
        row('beside two trials, host lease', results.leased),
      ],
    };
  } finally {
    await training.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
