/** What a study asks of the inference server about one model on one of its devices. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { InferenceRequest } from '../../inference/inference-server.ts';
import type { ModelFile, NoVariant } from '../../inference/model-variants.ts';
import { variantsOf } from './int8-variant.ts';
import type { StudyContext } from './study-context.ts';

/** A model as it is in float32, and in int8 where there is such a file or a reason why not. */
type Files = ModelFile & { int8?: ModelFile | NoVariant | undefined };

/**
 * @param device by the name that it had when the study was made: objectives and constraints speak of that
 * @param trialId of which a search is made; null: what is recommended is confirmed
 */
export function inferenceRequest(
  { spec, state, studyId, standing }: StudyContext,
  { signature, modelSha256, modelBytes, int8 }: Files,
  device: DeviceView,
  trialId: number | null,
): InferenceRequest {
  return {
    studyId,
    ...{ signature, modelSha256, modelBytes },
    ...variantsOf(int8),
    device,
    parameters: parametersOf(spec.space, ['inference']),
    scenario: spec.scenario,
    objectives: spec.objectives,
    prefer: spec.prefer,
    constraints: spec.constraints,
    purpose: trialId === null ? 'confirm' : 'search',
    seed: spec.tuner.seed,
    ...(spec.deterministic ? { known: state.measuredBefore(trialId, standing(device.name)) } : {}),
  };
}
