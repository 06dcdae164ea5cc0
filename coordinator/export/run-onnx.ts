/** ONNX Runtime as the export needs it: a model from bytes, on one core, and a model simplified. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadOnnxRuntime } from './load-onnxruntime.ts';

/** Input values by name: one batch. */
export type Feeds = Record<string, Tensor>;

const OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 } as const;

export async function loadSession(onnx: Uint8Array): Promise<InferenceSession> {
  const { InferenceSession } = await loadOnnxRuntime();
  return InferenceSession.create(onnx, OPTIONS);
}

/**
 * The model after ONNX Runtime's basic optimisations, which keep to ONNX's own operators: constants folded, batch
 * normalisation folded into the convolution before it, identities gone.
 */
export async function simplifyOnnx(onnx: Uint8Array): Promise<Uint8Array> {
  const { InferenceSession } = await loadOnnxRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'edgetune-export-'));
  try {
    const optimizedModelFilePath = join(folder, 'model.onnx');
    const session = await InferenceSession.create(onnx, {
      ...OPTIONS,
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath,
    });
    await session.release();
    return new Uint8Array(await readFile(optimizedModelFilePath));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
