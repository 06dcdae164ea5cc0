/** A trial's model, finished: trained to its end, exported, and tested once on the test split; so is its int8 variant. */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { QuantisedModel, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile, NoVariant } from '../../inference/model-variants.ts';
import { isTargetReached } from '../../tuner/stop-rule.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import { int8Variant, type QuantisedFile } from '../context/int8-variant.ts';
import type { StudyContext } from '../context/study-context.ts';
import { type TrainingFinished, taskOf, trainRung } from '../context/train-rung.ts';
import type { ArchitectureFacts } from '../state/trial-metrics.ts';
import { type Chance, whyNoBetter } from './above-chance.ts';
import { type Qualities, qualityOf, scoresOf } from './quality.ts';
import { quantisedSection } from './quantised-section.ts';
import { UnfitError, unlessNotFinite } from './unfit.ts';

/** What is left is to measure it. */
export interface FinishedModel {
  model: Omit<RecommendedModel, 'devices' | 'missing' | 'feasible' | 'misses'>;
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>;
  qualities: Qualities;
  /** Of its training. */
  metrics: Metrics;
}

/** @throws {UnfitError} */
export async function trainedFully(
  context: StudyContext,
  entry: FrontEntry,
  { classes, chance }: { classes: string[]; chance: Chance | null },
): Promise<FinishedModel> {
  const { spec, training, blobs, analyse } = context;
  const { trialId, candidate } = entry;
  const trained = await unlessNotFinite(trialId, () => trainedTo(context, entry));
  if (trained.checkpointSha256 === null) throw new Error(`trial ${trialId} has no checkpoint`);
  const { accuracy } = trained.metrics;
  const whyNot = chance && accuracy !== undefined ? whyNoBetter(accuracy, chance) : null;
  if (whyNot !== null) throw new UnfitError(`trial ${trialId}: ${whyNot}`);
  const checkpoint = await blobs.get(trained.checkpointSha256);

  const startMs = Date.now();
  const { onnx, modelCard } = await unlessNotFinite(trialId, () =>
    training.exportTrained(taskOf(context, entry), checkpoint),
  );
  const validation = await unlessNotFinite(trialId, () => training.evaluateOnnx(spec, onnx, 'validation'));
  const test = await unlessNotFinite(trialId, () => training.evaluateOnnx(spec, onnx, 'test'));
  const onnxSha256 = await blobs.put(onnx);
  const made = await int8Variant(context, onnx);
  const quantised = made && ('reason' in made ? made : await evaluated(context, made, chance));
  const int8 = quantised && 'reason' in quantised ? quantised : made;
  const modelCardSha256 = await blobs.put(
    new TextEncoder().encode(quantised ? modelCard + quantisedSection(quantised) : modelCard),
  );
  // Until the recommendation names them nothing else keeps them from being cleaned up.
  context.keep(onnxSha256, modelCardSha256);
  context.span({ lane: 'study', kind: 'exporting', trialId, startMs, endMs: Date.now() });

  const { signature, macs, parameters } = analyse(onnx);
  const model = {
    ...{ trialId, candidate, onnxSha256, onnxBytes: onnx.length, modelCardSha256, quantised, classes },
    // All in ONNX Runtime, as of the int8 variant beside it: what is compared is measured alike.
    validationAccuracy: validation.metrics.accuracy,
    testAccuracy: test.metrics.accuracy,
    scores: { validation: scoresOf(validation), test: scoresOf(test) },
    epochs: trained.metrics.epochs ?? spec.budget.maxEpochs,
    ...(trained.bestEpoch === undefined ? {} : { bestEpoch: trained.bestEpoch }),
    parameters,
    macs,
  };
  const files = { signature, modelSha256: onnxSha256, modelBytes: onnx.length, int8: int8 ?? undefined };
  const isInt8 = quantised !== null && 'onnxSha256' in quantised;
  const qualities = { float32: validation.metrics, ...(isInt8 ? { int8: qualityOf(quantised, classes) } : {}) };
  return { model, files, qualities, metrics: trained.metrics };
}

const lastTraining = ({ state }: StudyContext, trialId: number) =>
  state.trainings.findLast((event) => event.trialId === trialId);

const fullBudget = ({ spec: { budget } }: StudyContext): Budget => ({
  epochs: budget.maxEpochs,
  dataFraction: budget.maxDataFraction,
});

/** What has reached the study's target is what was wanted: more training costs, and may make it worse. */
function isDone(context: StudyContext, entry: FrontEntry, { metrics }: TrainingFinished): boolean {
  const full = fullBudget(context);
  const isFull = (metrics.epochs ?? 0) >= full.epochs && metrics.dataFraction === full.dataFraction;
  return isFull || isTargetReached(context.spec.stop.target, context.counting(), entry);
}

/**
 * The model of a trial that a study recommended before it was extended, where nothing has trained it since: it is trained,
 * exported and tested, and is asked about on those devices only that have not measured it.
 */
export function recommendedBefore(context: StudyContext, entry: FrontEntry): RecommendedModel | null {
  const { state } = context;
  const { trialId } = entry;
  const last = lastTraining(context, trialId);
  if (!last || state.trainedSince.has(trialId) || !isDone(context, entry, last)) return null;
  return state.recommendation?.models.find((model) => model.trialId === trialId) ?? null;
}

/** The state that is exported: the trial's own where it is done, else after its training to the full budget. */
async function trainedTo(context: StudyContext, entry: FrontEntry): Promise<TrainingFinished> {
  const { state, blobs, signal } = context;
  const { trialId, candidate, rung } = entry;
  const last = lastTraining(context, trialId);
  if (last && isDone(context, entry, last) && (last.checkpointSha256 === null || blobs.has(last.checkpointSha256)))
    return last;
  // Above all that were asked, also one at which the trial has failed.
  const highest = Math.max(rung, state.trials.get(trialId)?.rung ?? 0);
  return trainRung(context, { trialId, rung: highest + 1, candidate, budget: fullBudget(context) }, signal);
}

/** The same of a model that was recommended before. */
export async function asRecommended(
  context: StudyContext,
  { devices: _, missing: __, feasible: ___, misses: ____, ...model }: RecommendedModel,
): Promise<FinishedModel> {
  const { blobs, analyse } = context;
  const fileOf = async (sha256: string): Promise<ModelFile> => {
    const onnx = await blobs.get(sha256);
    return { signature: analyse(onnx).signature, modelSha256: sha256, modelBytes: onnx.length };
  };
  const { quantised, classes } = model;
  const isInt8 = quantised !== null && 'onnxSha256' in quantised;
  const int8 = isInt8 ? await fileOf(quantised.onnxSha256) : (quantised ?? undefined);
  return {
    model,
    files: { ...(await fileOf(model.onnxSha256)), int8 },
    qualities: { float32: qualityOf(model, classes), ...(isInt8 ? { int8: qualityOf(quantised, classes) } : {}) },
    metrics: lastTraining(context, model.trialId)?.metrics ?? {},
  };
}

/**
 * The int8 variant's own accuracies: the test split is seen once by each exported file. One that is no better than chance is
 * none.
 */
async function evaluated(
  { spec, training }: StudyContext,
  { onnx, modelSha256 }: QuantisedFile,
  chance: Chance | null,
): Promise<QuantisedModel | NoVariant> {
  const validation = await training.evaluateOnnx(spec, onnx, 'validation');
  const reason = chance && whyNoBetter(validation.metrics.accuracy, chance);
  if (reason !== null) return { reason };
  const test = await training.evaluateOnnx(spec, onnx, 'test');
  return {
    onnxSha256: modelSha256,
    onnxBytes: onnx.length,
    validationAccuracy: validation.metrics.accuracy,
    testAccuracy: test.metrics.accuracy,
    scores: { validation: scoresOf(validation), test: scoresOf(test) },
  };
}
