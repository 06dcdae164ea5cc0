/** What tests of real measurements share. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { type MeasureRequest, measureRequestSchema } from '@edgetune/shared/protocol/job.ts';
import { pythonWithOnnxruntime } from '../../scripts/bench/python-onnxruntime.ts';

export interface RequestChange {
  config?: Partial<InferenceConfig>;
  scenario?: object;
  stopRule?: object;
  dimensions?: Record<string, number>;
  memoryLimitBytes?: number | null;
}

/** A short measurement of a model: one sample, one thread, unless the test says otherwise. */
export function measureRequestFor(modelPath: string, change: RequestChange = {}): MeasureRequest {
  const bytes = readFileSync(modelPath);
  return measureRequestSchema.parse({
    kind: 'measure',
    modelSha256: createHash('sha256').update(bytes).digest('hex'),
    modelBytes: bytes.length,
    signature: 'test',
    config: { batchSize: 1, threads: 1, ...change.config },
    scenario: change.scenario ?? { kind: 'single-stream' },
    stopRule: { warmupRuns: 1, minRuns: 5, minDurationMs: 100, maxDurationMs: 10_000, ...change.stopRule },
    dimensions: change.dimensions ?? {},
    memoryLimitBytes: change.memoryLimitBytes ?? null,
  });
}

let python: ReturnType<typeof pythonWithOnnxruntime> | undefined;

/** A Python with onnxruntime, which is installed at first; the reason where that cannot be: tests skip aloud with it. */
export function pythonForTests(): ReturnType<typeof pythonWithOnnxruntime> {
  python ??= pythonWithOnnxruntime();
  return python;
}
