/** The int8 variant of an exported model, for studies whose search space asks for that precision. */
import { mayTake } from '@edgetune/shared/domain/search-space.ts';
import type { ModelFile, ModelVariants, NoVariant } from '../../inference/model-variants.ts';
import type { StudyContext } from './study-context.ts';

export interface QuantisedFile extends ModelFile {
  onnx: Uint8Array;
}

/** Calibrates on the training split and stores the result; null: the study does not ask for int8. */
export async function int8Variant(context: StudyContext, onnx: Uint8Array): Promise<QuantisedFile | NoVariant | null> {
  const { spec, training, blobs, analyse } = context;
  if (!mayTake(spec.space, 'precision', 'int8')) return null;
  const int8 = await training.quantise(spec, onnx).catch((error: Error) => {
    if (error.name === 'QuantiseError') return { reason: error.message };
    throw error;
  });
  if (!(int8 instanceof Uint8Array)) return int8;
  const modelSha256 = await blobs.put(int8);
  context.keep(modelSha256);
  return { onnx: int8, signature: analyse(int8).signature, modelSha256, modelBytes: int8.length };
}

/** What configs of other precisions run; empty where every config runs the model itself. */
export function variantsOf(int8: ModelFile | NoVariant | null | undefined): { variants?: ModelVariants } {
  if (!int8) return {};
  if ('reason' in int8) return { variants: { int8 } };
  const { signature, modelSha256, modelBytes } = int8;
  return { variants: { int8: { signature, modelSha256, modelBytes } } };
}
