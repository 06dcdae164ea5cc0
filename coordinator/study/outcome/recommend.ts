/**
 * The end of a study: the front's models are trained to their full budget, exported, tested once in ONNX Runtime on the
 * test split (which the search has never seen), and measured with their trained weights on each device; so are their int8
 * variants, where the study asks for them.
 */
import { isPresent } from '@edgetune/shared/domain/device.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type {
  QuantisedModel,
  Recommendation,
  RecommendedDevice,
  RecommendedModel,
} from '@edgetune/shared/domain/recommendation.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import { isSynthetic } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile } from '../../inference/model-variants.ts';
import { goalsOf, violationOn } from '../../inference/search/config-score.ts';
import { isTargetReached } from '../../tuner/stop-rule.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import { int8Variant, type QuantisedFile, variantsOf } from '../context/int8-variant.ts';
import type { StudyContext } from '../context/study-context.ts';
import { type TrainingFinished, taskOf, trainRung } from '../context/train-rung.ts';
import { DeviceTroubleError } from '../devices/device-trouble-error.ts';
import { troubleOf } from '../devices/trouble-of.ts';
import { summariseTimeline } from '../state/timeline.ts';
import {
  type ArchitectureFacts,
  bytesIn,
  deviceMetrics,
  trainingCosts,
  trialViolation,
} from '../state/trial-metrics.ts';
import { hasMeasured } from '../state/unmeasured.ts';
import { type Accuracies, choosePrecision } from './choose-precision.ts';
import { misses } from './nearest.ts';
import { quantisedSection } from './quantised-section.ts';

export async function recommend(context: StudyContext, front: readonly FrontEntry[]): Promise<Recommendation> {
  const { spec } = context;
  const work = front
    .slice(0, spec.recommend)
    .map(async (entry) => measured(context, await trainedFully(context, entry), []));
  return written(context, work);
}

/** Asks the devices that are missing from a recommendation about its models, and writes it anew. */
export async function measureTheRest(context: StudyContext, { models }: Recommendation): Promise<Recommendation> {
  const work = models.map(async (model) => measured(context, await asRecommended(context, model), model.devices));
  return written(context, work);
}

interface Measured {
  model: RecommendedModel;
  metrics: Metrics;
  violation: number;
}

async function written(context: StudyContext, work: readonly Promise<Measured>[]): Promise<Recommendation> {
  const { spec, emit } = context;
  const outcomes = await Promise.allSettled(work);
  context.signal.throwIfAborted();
  const models = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  if (models.length === 0 && failures[0]) throw failures[0];
  for (const { message } of failures) emit({ type: 'warning', message: `a model is not recommended: ${message}` });
  const preference = createPreference(spec);
  const contenders = models.map(({ model, metrics, violation }) => ({ item: model, metrics, violation }));
  const ranked = preference.rank(contenders);
  const recommendation = {
    models: ranked,
    why: reasonWhy(
      spec,
      ranked,
      preference.why(contenders, ({ trialId }) => `trial ${trialId}`),
    ),
    syntheticData: isSynthetic(spec.dataset),
    summary: summarise(context),
  };
  emit({ type: 'recommendation', recommendation });
  return recommendation;
}

/** The accuracy that decides is not the one on the test split, which stands beside it. */
function reasonWhy(
  { objectives }: StudyContext['spec'],
  models: readonly RecommendedModel[],
  why: string | null,
): string | null {
  const isByAccuracy = objectives.some(({ metric }) => metric === 'accuracy');
  const [first] = models;
  return (
    [
      ...(first && models.every(({ feasible }) => !feasible)
        ? [`No model meets the constraints; these come nearest. Of trial ${first.trialId} ${first.misses.join('; ')}.`]
        : []),
      ...(why === null ? [] : [why]),
      ...(why !== null && isByAccuracy ? ['The accuracy that decides is that on the validation split.'] : []),
    ].join(' ') || null
  );
}

/** A model that is trained to its end, exported and tested; what is left is to measure it. */
interface Finished {
  model: Omit<RecommendedModel, 'devices' | 'missing' | 'feasible' | 'misses'>;
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>;
  accuracies: Accuracies;
  /** Of its training. */
  metrics: Metrics;
}

async function trainedFully(context: StudyContext, entry: FrontEntry): Promise<Finished> {
  const { spec, state, training, blobs, analyse, signal } = context;
  const { trialId, candidate } = entry;
  const full = { epochs: spec.budget.maxEpochs, dataFraction: spec.budget.maxDataFraction };
  const last = state.trainings.findLast((event) => event.trialId === trialId);
  // What has reached the study's target is what was wanted: more training costs, and may make it worse.
  const isDone = ({ metrics: { epochs = 0, dataFraction } }: TrainingFinished) =>
    isTargetReached(spec.stop.target, spec.devices, entry) ||
    (epochs >= full.epochs && dataFraction === full.dataFraction);
  const trained =
    last && isDone(last) && (last.checkpointSha256 === null || blobs.has(last.checkpointSha256))
      ? last
      : await trainRung(context, { trialId, rung: entry.rung + 1, candidate, budget: full }, signal);
  if (trained.checkpointSha256 === null) throw new Error(`trial ${trialId} has no checkpoint`);

  const startMs = Date.now();
  const { onnx, modelCard } = await training.exportTrained(
    taskOf(context, entry),
    await blobs.get(trained.checkpointSha256),
  );
  const { accuracy: testAccuracy } = await training.evaluateOnnx(spec, onnx, 'test');
  const onnxSha256 = await blobs.put(onnx);
  const int8 = await int8Variant(context, onnx);
  const quantised = int8 && ('reason' in int8 ? int8 : await evaluated(context, int8));
  const modelCardSha256 = await blobs.put(
    new TextEncoder().encode(quantised ? modelCard + quantisedSection(quantised) : modelCard),
  );
  // Until the recommendation names them nothing else keeps them from being cleaned up.
  context.keep(onnxSha256, modelCardSha256);
  context.span({ lane: 'study', kind: 'exporting', trialId, startMs, endMs: Date.now() });

  const { signature, macs, parameters } = analyse(onnx);
  const accuracies: Accuracies = { float32: trained.metrics.accuracy ?? 0 };
  if (quantised && 'onnxSha256' in quantised) {
    // Both in ONNX Runtime: what is compared is measured alike.
    accuracies.float32 = (await training.evaluateOnnx(spec, onnx, 'validation')).accuracy;
    accuracies.int8 = quantised.validationAccuracy;
  }
  const model = {
    ...{ trialId, candidate, onnxSha256, onnxBytes: onnx.length, modelCardSha256, testAccuracy, quantised },
    // ONNX Runtime's, where it was measured: as that of the int8 variant beside it.
    validationAccuracy: accuracies.float32,
    epochs: trained.metrics.epochs ?? full.epochs,
    ...(trained.bestEpoch === undefined ? {} : { bestEpoch: trained.bestEpoch }),
    parameters,
    macs,
  };
  const files = { signature, modelSha256: onnxSha256, modelBytes: onnx.length, int8: int8 ?? undefined };
  return { model, files, accuracies, metrics: trained.metrics };
}

/** The same of a model that was recommended before. */
async function asRecommended(
  { state, blobs, analyse }: StudyContext,
  { devices: _, missing: __, feasible: ___, misses: ____, ...model }: RecommendedModel,
): Promise<Finished> {
  const fileOf = async (sha256: string): Promise<ModelFile> => {
    const onnx = await blobs.get(sha256);
    return { signature: analyse(onnx).signature, modelSha256: sha256, modelBytes: onnx.length };
  };
  const { quantised, validationAccuracy } = model;
  const isInt8 = quantised !== null && 'onnxSha256' in quantised;
  const int8 = isInt8 ? await fileOf(quantised.onnxSha256) : (quantised ?? undefined);
  const last = state.trainings.findLast(({ trialId }) => trialId === model.trialId);
  return {
    model,
    files: { ...(await fileOf(model.onnxSha256)), int8 },
    accuracies: { float32: validationAccuracy, ...(isInt8 ? { int8: quantised.validationAccuracy } : {}) },
    metrics: last?.metrics ?? {},
  };
}

/** @param known what devices have said before */
async function measured(
  context: StudyContext,
  { model, files, accuracies, metrics: ofTraining }: Finished,
  known: readonly RecommendedDevice[],
): Promise<Measured> {
  const { spec, state, standing } = context;
  const { trialId, quantised, parameters, macs } = model;
  const asked = await Promise.all(
    spec.devices.map(
      async (device) =>
        known.find((each) => hasMeasured({ devices: [each] }, standing(device))) ??
        (await confirmed(context, trialId, device, files, accuracies)),
    ),
  );
  const devices = asked.flatMap((answer) => ('config' in answer ? [answer] : []));
  const missing = asked.flatMap((answer) => ('config' in answer ? [] : [answer]));
  if (devices.length === 0)
    throw new Error(`trial ${trialId} could not be measured: ${missing.map(({ reason }) => reason).join('; ')}`);
  // Of what the devices are recommended, the largest file and the least accuracy.
  const modelSize = Math.max(...devices.map(({ config }) => bytesIn(files, config.precision)));
  const accuracy = Math.min(...devices.map(({ config }) => accuracies[config.precision] ?? accuracies.float32));
  const metrics: Metrics = {
    ...ofTraining,
    ...trainingCosts(spec, state.trainings, trialId),
    ...(quantised ? { accuracy } : {}),
    parameters,
    macs,
    modelSize,
    ...Object.assign({}, ...devices.map(({ device, measurement }) => deviceMetrics(device, metricsOf(measurement)))),
  };
  const violation = devices.reduce(
    (sum, { device, measurement }) => sum + violationOn(measurement, goalsOf(spec, device).limits),
    trialViolation(spec.constraints, metrics),
  );
  return {
    model: { ...model, devices, missing, feasible: violation === 0, misses: misses(spec, metrics) },
    metrics,
    violation,
  };
}

type Missing = RecommendedModel['missing'][number];

/** What a device says of a trained model, or why it says nothing: nobody else waits for a device in trouble. */
async function confirmed(
  context: StudyContext,
  trialId: number,
  device: string,
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>,
  accuracies: Accuracies,
): Promise<RecommendedDevice | Missing> {
  const { deviceTroubles, standing, signal } = context;
  const ask = (until: AbortSignal) =>
    troubleOf(device, () => confirm(context, trialId, device, files, accuracies, until));
  const whyNot = () => standing(device).reason ?? `${device} was left out`;
  const [over, unexpected] = [new AbortController(), new AbortController()];
  try {
    if (!deviceTroubles.isExpected(device)) {
      const isWorthATry = standing(device).standing === 'marked' && isPresent(context.device(device));
      if (!isWorthATry) return { device, reason: whyNot() };
      return await deviceTroubles.tryOnce(device, () => ask(signal));
    }
    const watching = AbortSignal.any([signal, over.signal]);
    const watch = async () => {
      while (deviceTroubles.isExpected(device)) await deviceTroubles.change(watching);
      unexpected.abort(new DeviceTroubleError(whyNot()));
    };
    watch().catch(() => {});
    const until = AbortSignal.any([signal, unexpected.signal]);
    return await deviceTroubles.attempt(device, () => ask(until), until);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeviceTroubleError || error instanceof NotMeasuredError)
      return { device, reason: error.message };
    throw error;
  } finally {
    over.abort();
  }
}

/** No config of the model can be run on a device. */
class NotMeasuredError extends Error {
  override name = 'NotMeasuredError';
}

/** Measures a trained model on a device anew: what is recommended for a device is measured on that device. */
async function confirm(
  context: StudyContext,
  trialId: number,
  deviceName: string,
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>,
  accuracies: Accuracies,
  signal: AbortSignal,
): Promise<RecommendedDevice> {
  const { spec, state, studyId, emit, inference } = context;
  const { int8, ...model } = files;
  const device = context.deviceNow(deviceName);
  const result = await inference.tune(
    {
      studyId,
      ...model,
      ...variantsOf(int8),
      device,
      parameters: parametersOf(spec.space, ['inference']),
      scenario: spec.scenario,
      objectives: spec.objectives,
      prefer: spec.prefer,
      constraints: spec.constraints,
      purpose: 'confirm',
      seed: spec.tuner.seed,
      ...(spec.deterministic ? { known: state.measuredBefore(null, device.id) } : {}),
    },
    (measurement, source) => emit({ type: 'measured', trialId, measurement, source }),
    signal,
  );
  const measurements = result.all.map(({ measurement }) => measurement);
  const choice = choosePrecision(spec, deviceName, measurements, accuracies, (precision) => bytesIn(files, precision));
  if (!choice && result.unfit !== undefined)
    throw new DeviceTroubleError(`${deviceName} gives no valid measurement: ${result.unfit}`);
  if (!choice)
    throw new NotMeasuredError(
      `trial ${trialId} could not be measured on ${deviceName}: ${result.reason ?? 'no reason given'}`,
    );
  const others = new Map([...choice.rivals, ...result.front].map((measurement) => [measurement.id, measurement]));
  others.delete(choice.measurement.id);
  return {
    device: deviceName,
    config: choice.measurement.config,
    measurement: choice.measurement,
    feasible: choice.violation === 0,
    alternatives: [...others.values()],
    precisionReason: choice.why,
  };
}

/** The int8 variant's own accuracies: the test split is seen once by each exported file. */
async function evaluated(
  { spec, training }: StudyContext,
  { onnx, modelSha256 }: QuantisedFile,
): Promise<QuantisedModel> {
  const { accuracy: validationAccuracy } = await training.evaluateOnnx(spec, onnx, 'validation');
  const { accuracy: testAccuracy } = await training.evaluateOnnx(spec, onnx, 'test');
  return { onnxSha256: modelSha256, onnxBytes: onnx.length, validationAccuracy, testAccuracy };
}

function summarise({ state }: StudyContext): Recommendation['summary'] {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const measured = state.measured.filter(({ source }) => source === 'measured').map(({ measurement }) => measurement);
  const searches = [...state.inference.values()].flatMap((byDevice) => [...byDevice.values()]);
  const timeline = summariseTimeline(state.spans);
  const joules = measured.flatMap(({ cost }) => (cost.deviceJoules === null ? [] : [cost.deviceJoules]));
  const sources = new Set(state.trainings.map(({ energySource }) => energySource));
  const [source] = sources;
  return {
    trials: state.trials.size,
    infeasibleTrials: [...state.trials.values()].filter(({ status }) => status === 'infeasible').length,
    measurements: measured.length,
    reusedMeasurements: state.measured.length - measured.length,
    savedMeasurements: sum(searches.map(({ possible = 0, measurements }) => Math.max(0, possible - measurements))),
    trainingSeconds: sum(state.trainings.map(({ seconds }) => seconds)),
    trainingCpuSeconds: sum(state.trainings.map(({ cpuSeconds }) => cpuSeconds)),
    trainingEnergyJ: sum(state.trainings.map(({ energyJ }) => energyJ)),
    ...(source && { trainingEnergySource: sources.size > 1 ? 'both' : source }),
    deviceSeconds: sum(measured.map(({ cost }) => cost.deviceSeconds)),
    deviceJoules: joules.length > 0 ? sum(joules) : null,
    wallSeconds: timeline.totalS,
    overheadSeconds: timeline.overheadS,
    pausedSeconds: timeline.pausedS,
    trainingBackend: state.backend,
  };
}
