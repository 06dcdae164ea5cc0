/** How a model is executed: one interface over ONNX Runtime in this process, in Python, and trtexec. */
import type { InferenceConfig, RunnerName } from '@edgetune/shared/domain/inference-config.ts';

export interface LoadRequest {
  /** A model file that was verified; nothing that lies beside it belongs to it. */
  modelPath: string;
  config: InferenceConfig;
  /** Sizes of symbolic dimensions other than the batch, by name. */
  dimensions: Readonly<Record<string, number>>;
  /** Seeds the input values. */
  seed: number;
}

export interface LoadedModel {
  /**
   * Runs so many samples at once and resolves when their outputs are there.
   * @returns rows of the first output, where it has any
   */
  run(samples: number): Promise<number | null>;
  /** What the process that executes the model has used since it was started. */
  usage(): Promise<RunnerUsage>;
}

export interface RunnerUsage {
  cpuSeconds: number;
  /** Peak resident memory since just before the model was loaded, less what was resident then; null: not told. */
  peakMemoryBytes: number | null;
}

/** A runner lives in the measuring process, and ends with it. */
export interface Runner {
  readonly name: RunnerName;
  /** @throws {ModelRefusedError} where this runner can never run the model in this config */
  load(request: LoadRequest): Promise<LoadedModel>;
}

/** This model or config can never run here; the message says what to do. */
export class ModelRefusedError extends Error {
  override name = 'ModelRefusedError';
}
