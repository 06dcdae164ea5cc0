/** ONNX Runtime as the export needs it: a model from bytes, on one core, and a model simplified. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { NotWrittenError } from '../lifecycle/not-written-error.ts';
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
 * @throws {NotWrittenError} where the folder for temporary files is full
 */
export async function simplifyOnnx(onnx: Uint8Array): Promise<Uint8Array> {
  const { InferenceSession } = await loadOnnxRuntime();
  const folder = await mkdtemp(join(tmpdir(), 'edgetune-export-')).catch(explained);
  try {
    const optimizedModelFilePath = join(folder, 'model.onnx');
    const session = await InferenceSession.create(onnx, {
      ...OPTIONS,
      graphOptimizationLevel: 'basic',
      optimizedModelFilePath,
    });
    await session.release();
    return new Uint8Array(await readFile(optimizedModelFilePath));
  } catch (error) {
    await tryRoom(folder, onnx.length);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** ONNX Runtime does not say why it cannot write a file: a full disk shows when as many bytes are written here. */
function tryRoom(folder: string, bytes: number): Promise<void> {
  return writeFile(join(folder, 'room'), new Uint8Array(bytes)).catch(explained);
}

function explained(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') throw error;
  throw new NotWrittenError(
    'disk-full',
    `the disk is full: ${tmpdir()}, the folder for temporary files, could not be written. Free some space there, or name another folder by TMPDIR`,
    { cause: error },
  );
}
