/** The architecture of a trial, with untrained weights: built before anything else, and again where its file is gone. */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { architectureCoordinates } from '../../inference/predictor/coordinates.ts';
import { int8Variant, variantsOf } from '../context/int8-variant.ts';
import type { StudyContext } from '../context/study-context.ts';
import { taskOf } from '../context/train-rung.ts';
import type { ArchitectureFacts } from '../state/trial-metrics.ts';

/** Its facts, whose files are there: those of a study that had succeeded may be gone, and the same are built again. */
export async function architectureOf(
  context: StudyContext,
  trial: { trialId: number; candidate: Candidate },
): Promise<ArchitectureFacts> {
  const { state, training, blobs, analyse, emit } = context;
  const { trialId } = trial;
  const known = state.architectures.get(trialId);
  if (known && areThere(blobs, known)) return known;
  const { onnx, metadataBytes } = await training.buildArchitecture(taskOf(context, trial));
  const analysis = analyse(onnx);
  const { signature, parameters, macs } = analysis;
  const modelSha256 = await blobs.put(onnx);
  const int8 = await int8Of(context, signature, onnx);
  emit({
    ...{ type: 'architecture-built', trialId, signature, modelSha256, modelBytes: onnx.length, metadataBytes },
    ...{ parameters, macs, coordinates: architectureCoordinates(analysis) },
    ...(int8 ? { int8 } : {}),
  });
  return state.architectures.get(trialId) as ArchitectureFacts;
}

type Blobs = StudyContext['blobs'];

function areThere(blobs: Blobs, { modelSha256, int8 }: Pick<ArchitectureFacts, 'modelSha256' | 'int8'>): boolean {
  return blobs.has(modelSha256) && (int8 === undefined || isThere(blobs, int8));
}

function isThere(blobs: Blobs, variant: NonNullable<ArchitectureFacts['int8']>): boolean {
  return 'reason' in variant || blobs.has(variant.modelSha256);
}

/** The architecture in int8, where the study asks for it: made once, as its weights are always the same. */
async function int8Of(context: StudyContext, signature: string, onnx: Uint8Array): Promise<ArchitectureFacts['int8']> {
  const { state, blobs, emit } = context;
  const known = [...state.architectures.values()].find(
    (facts) => facts.signature === signature && facts.int8 && isThere(blobs, facts.int8),
  );
  if (known) return known.int8;
  const made = await int8Variant(context, onnx);
  if (made && 'reason' in made) emit({ type: 'warning', message: `int8 configs are left out: ${made.reason}` });
  return variantsOf(made).variants?.int8;
}
