/**
 * The end of a study: the front's models are trained to their full budget, exported, tested once in ONNX Runtime on the
 * test split (which the search has never seen), and measured with their trained weights on each device; so are their int8
 * variants, where the study asks for them.
 */
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type { QuantisedModel, Recommendation, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import { isSynthetic } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile } from '../../inference/model-variants.ts';
import { isTargetReached } from '../../tuner/stop-rule.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import { int8Variant, type QuantisedFile, variantsOf } from '../context/int8-variant.ts';
import type { StudyContext } from '../context/study-context.ts';
import { type TrainingFinished, taskOf, trainRung } from '../context/train-rung.ts';
import { summariseTimeline } from '../state/timeline.ts';
import {
  type ArchitectureFacts,
  bytesIn,
  deviceMetrics,
  trainingCosts,
  trialViolation,
} from '../state/trial-metrics.ts';
import { type Accuracies, choosePrecision } from './choose-precision.ts';
import { quantisedSection } from './quantised-section.ts';

export async function recommend(context: StudyContext, front: readonly FrontEntry[]): Promise<Recommendation> {
  const { spec, emit } = context;
  const outcomes = await Promise.allSettled(
    front.slice(0, spec.recommend).map((entry) => recommendModel(context, entry)),
  );
  context.signal.throwIfAborted();
  const models = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
  if (models.length === 0 && failures[0]) throw failures[0];
  for (const { message } of failures) emit({ type: 'warning', message: `a model is not recommended: ${message}` });
  const preference = createPreference(spec);
  const contenders = models.map(({ model, metrics, violation }) => ({ item: model, metrics, violation }));
  const recommendation = {
    models: preference.rank(contenders),
    why: reasonWhy(
      spec,
      preference.why(contenders, ({ trialId }) => `trial ${trialId}`),
    ),
    syntheticData: isSynthetic(spec.dataset),
    summary: summarise(context),
  };
  emit({ type: 'recommendation', recommendation });
  return recommendation;
}

/** The accuracy that decides is not the one on the test split, which stands beside it. */
function reasonWhy({ objectives }: StudyContext['spec'], why: string | null): string | null {
  const isByAccuracy = objectives.some(({ metric }) => metric === 'accuracy');
  return why === null || !isByAccuracy ? why : `${why} The accuracy that decides is that on the validation split.`;
}

async function recommendModel(
  context: StudyContext,
  entry: FrontEntry,
): Promise<{ model: RecommendedModel; metrics: Metrics; violation: number }> {
  const { spec, state, training, blobs, analyse, signal } = context;
  const { trialId, candidate } = entry;
  const full = { epochs: spec.budget.maxEpochs, dataFraction: spec.budget.maxDataFraction };
  const last = state.trainings.findLast((event) => event.trialId === trialId);
  // What has reached the study's target is what was wanted: more training costs, and may make it worse.
  const isDone = ({ metrics: { epochs = 0, dataFraction } }: TrainingFinished) =>
    isTargetReached(spec.stop.target, spec.devices, entry) ||
    (epochs >= full.epochs && dataFraction === full.dataFraction);
  const trained =
    last && isDone(last)
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
  const file = { signature, modelSha256: onnxSha256, modelBytes: onnx.length };
  const files = { ...file, int8: int8 ?? undefined };
  const accuracies: Accuracies = { float32: trained.metrics.accuracy ?? 0 };
  if (quantised && 'onnxSha256' in quantised) {
    // Both in ONNX Runtime: what is compared is measured alike.
    accuracies.float32 = (await training.evaluateOnnx(spec, onnx, 'validation')).accuracy;
    accuracies.int8 = quantised.validationAccuracy;
  }
  const confirmed = await Promise.all(
    spec.devices.map((device) => confirm(context, trialId, device, files, accuracies)),
  );
  const devices = confirmed.map(({ device }) => device);
  // Of what the devices are recommended, the largest file and the least accuracy.
  const modelSize = Math.max(...devices.map(({ config }) => bytesIn(files, config.precision)));
  const accuracy = Math.min(...devices.map(({ config }) => accuracies[config.precision] ?? accuracies.float32));
  const metrics: Metrics = {
    ...trained.metrics,
    ...trainingCosts(spec, state.trainings, trialId),
    ...(quantised ? { accuracy } : {}),
    parameters,
    macs,
    modelSize,
    ...Object.assign({}, ...devices.map(({ device, measurement }) => deviceMetrics(device, metricsOf(measurement)))),
  };
  const violation = confirmed.reduce(
    (sum, device) => sum + device.violation,
    trialViolation(spec.constraints, metrics),
  );
  const model: RecommendedModel = {
    trialId,
    candidate,
    onnxSha256,
    onnxBytes: onnx.length,
    modelCardSha256,
    // ONNX Runtime's, where it was measured: as that of the int8 variant beside it.
    validationAccuracy: accuracies.float32,
    testAccuracy,
    quantised,
    epochs: trained.metrics.epochs ?? full.epochs,
    parameters,
    macs,
    devices,
    feasible: violation === 0,
  };
  return { model, metrics, violation };
}

/** Measures a trained model on a device anew: what is recommended for a device is measured on that device. */
async function confirm(
  context: StudyContext,
  trialId: number,
  deviceName: string,
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>,
  accuracies: Accuracies,
): Promise<{ device: RecommendedModel['devices'][number]; violation: number }> {
  const { spec, studyId, emit, inference, signal } = context;
  const { int8, ...model } = files;
  const member = context.device(deviceName);
  if (!member) throw new Error(`device "${deviceName}" was removed from the fleet: add it again and resume the study`);
  const result = await inference.tune(
    {
      studyId,
      ...model,
      ...variantsOf(int8),
      device: { ...member, name: deviceName },
      parameters: parametersOf(spec.space, ['inference']),
      scenario: spec.scenario,
      objectives: spec.objectives,
      prefer: spec.prefer,
      constraints: spec.constraints,
      purpose: 'confirm',
      seed: spec.tuner.seed,
    },
    (measurement, source) => emit({ type: 'measured', trialId, measurement, source }),
    signal,
  );
  const measurements = result.all.map(({ measurement }) => measurement);
  const choice = choosePrecision(spec, deviceName, measurements, accuracies, (precision) => bytesIn(files, precision));
  if (!choice)
    throw new Error(`trial ${trialId} could not be measured on ${deviceName}: ${result.reason ?? 'no reason given'}`);
  const others = new Map([...choice.rivals, ...result.front].map((measurement) => [measurement.id, measurement]));
  others.delete(choice.measurement.id);
  const device = {
    device: deviceName,
    config: choice.measurement.config,
    measurement: choice.measurement,
    feasible: choice.violation === 0,
    alternatives: [...others.values()],
    precisionReason: choice.why,
  };
  return { device, violation: choice.violation };
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
