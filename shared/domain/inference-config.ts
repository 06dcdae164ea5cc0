/** How a model is run on a board: the inference level of the search space. */
import { z } from 'zod';
import type { PossibleByName } from './possible-values.ts';

export const precisionSchema = z.enum(['float32', 'float16', 'int8']);
export type Precision = z.infer<typeof precisionSchema>;

export const executionProviderSchema = z.enum(['cpu', 'cuda', 'tensorrt']);
export type ExecutionProvider = z.infer<typeof executionProviderSchema>;

/** Which there are is known to agents; each board says which it has. */
export const runnerNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'a runner\'s name has 1 to 63 letters, digits, "-", "_" or "." and starts with a letter or digit',
  );

export const inferenceConfigSchema = z.object({
  /** Samples per run. */
  batchSize: z.int().min(1).max(4096),
  /** Intra-op threads; the process is pinned to as many cores. */
  threads: z.int().min(1).max(256),
  /** CPU clock that is asked for; null leaves the board's governor alone. */
  clockKHz: z.int().positive().nullable().default(null),
  precision: precisionSchema.default('float32'),
  executionProvider: executionProviderSchema.default('cpu'),
  runner: runnerNameSchema.default('onnxruntime-node'),
});
export type InferenceConfig = z.infer<typeof inferenceConfigSchema>;

/** What the parameters of the level inference can be; `runner` is one of those that the study's boards have. */
export const POSSIBLE_INFERENCE: PossibleByName = {
  batchSize: { kind: 'whole', min: 1, max: 4096 },
  threads: { kind: 'whole', min: 1, max: 256 },
  clockKHz: { kind: 'whole', min: 1, max: Number.MAX_SAFE_INTEGER },
  precision: { kind: 'choice', values: precisionSchema.options },
  executionProvider: { kind: 'choice', values: executionProviderSchema.options },
};

/** One canonical text per config: equal configs have equal keys. */
export function inferenceConfigKey(config: InferenceConfig): string {
  const { batchSize, threads, clockKHz, precision, executionProvider, runner } = config;
  return `b${batchSize}-t${threads}-${clockKHz ?? 'auto'}-${precision}-${executionProvider}-${runner}`;
}
