/**
 * The end of a study: the front's models are trained to their full budget, exported, tested once in ONNX Runtime on the
 * test split (which the search has never seen), and measured with their trained weights on each device; so are their int8
 * variants, where the study asks for them.
 */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import { isPresent } from '@edgetune/shared/domain/device.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type {
  QuantisedModel,
  Recommendation,
  RecommendedDevice,
  RecommendedModel,
} from '@edgetune/shared/domain/recommendation.ts';
import { isSynthetic } from '@edgetune/shared/domain/study.ts';
import { isSameBoard } from '@edgetune/shared/domain/study-device.ts';
import type { Metrics, StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import type { ModelFile, NoVariant } from '../../inference/model-variants.ts';
import { goalsOf, violationOn } from '../../inference/search/config-score.ts';
import { isTargetReached } from '../../tuner/stop-rule.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import { inferenceRequest } from '../context/inference-request.ts';
import { int8Variant, type QuantisedFile } from '../context/int8-variant.ts';
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
import { type Chance, chanceOf, whyNoBetter } from './above-chance.ts';
import { choosePrecision } from './choose-precision.ts';
import { misses } from './nearest.ts';
import { type Qualities, qualityOf, scoresOf, worstOf } from './quality.ts';
import { quantisedSection } from './quantised-section.ts';
import { NothingLearnedError, UnfitError, unlessNotFinite } from './unfit.ts';

/**
 * Trains the first of the front to their end, and recommends those that have learned something. Where none has, it is the
 * turn of the next, as long as they had when the search left them.
 * @throws {NothingLearnedError} where there is none at all
 */
export async function recommend(context: StudyContext, front: readonly FrontEntry[]): Promise<Recommendation> {
  const { spec, training } = context;
  const { evidence } = await training.checkDataset(spec.workload, spec.dataset);
  const chance = chanceOf(evidence);
  const hasLearned = ({ metrics: { accuracy } }: FrontEntry) =>
    chance === null || accuracy === undefined || whyNoBetter(accuracy, chance) === null;
  const likely = front.filter(hasLearned);
  const ordered = [...likely, ...front.filter((entry) => !hasLearned(entry))];
  const worthTraining = Math.max(likely.length, spec.recommend);
  const unfit: UnfitError[] = [];
  for (let from = 0; from < Math.min(ordered.length, worthTraining); from += spec.recommend) {
    const work = ordered.slice(from, from + spec.recommend).map(async (entry) => {
      const before = recommendedBefore(context, entry);
      if (before) return measured(context, await asRecommended(context, before), before.devices);
      return measured(context, await trainedFully(context, entry, { classes: evidence.classes, chance }), []);
    });
    const { models, failures } = await outcomesOf(context, work);
    unfit.push(...failures.filter((error) => error instanceof UnfitError));
    const others = failures.filter((error) => !(error instanceof UnfitError));
    if (models.length > 0 || others.length > 0) return written(context, models, [...others, ...unfit]);
  }
  throw new NothingLearnedError(unfit, ordered.length - unfit.length);
}

/** Asks the devices that are missing from a recommendation about its models, and writes it anew. */
export async function measureTheRest(context: StudyContext, recommendation: Recommendation): Promise<Recommendation> {
  const work = recommendation.models.map(async (model) =>
    measured(context, await asRecommended(context, model), model.devices),
  );
  const { models, failures } = await outcomesOf(context, work);
  return written(context, models, failures);
}

interface Measured {
  model: RecommendedModel;
  metrics: Metrics;
  violation: number;
}

async function outcomesOf(
  { signal }: StudyContext,
  work: readonly Promise<Measured>[],
): Promise<{ models: Measured[]; failures: Error[] }> {
  const outcomes = await Promise.allSettled(work);
  signal.throwIfAborted();
  return {
    models: outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])),
    failures: outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : [])),
  };
}

/** @throws the first of the failures where there is no model */
function written(context: StudyContext, models: readonly Measured[], failures: readonly Error[]): Recommendation {
  const { spec, emit } = context;
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

/** What decides of how well a model does is not the accuracy on the test split, which stands beside it. */
function reasonWhy(
  { objectives }: StudyContext['spec'],
  models: readonly RecommendedModel[],
  why: string | null,
): string | null {
  const qualities = objectives.map(({ metric }) => metric).filter((metric) => metricInfo(metric).isQuality);
  const [first] = models;
  return (
    [
      ...(first && models.every(({ feasible }) => !feasible)
        ? [`No model meets the constraints; these come nearest. Of trial ${first.trialId} ${first.misses.join('; ')}.`]
        : []),
      ...(why === null ? [] : [why]),
      ...(why !== null && qualities.length > 0
        ? [`The ${qualities.join(', ')} that decides is that on the validation split.`]
        : []),
    ].join(' ') || null
  );
}

/** A model that is trained to its end, exported and tested; what is left is to measure it. */
interface Finished {
  model: Omit<RecommendedModel, 'devices' | 'missing' | 'feasible' | 'misses'>;
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>;
  qualities: Qualities;
  /** Of its training. */
  metrics: Metrics;
}

/** @throws {UnfitError} */
async function trainedFully(
  context: StudyContext,
  entry: FrontEntry,
  { classes, chance }: { classes: string[]; chance: Chance | null },
): Promise<Finished> {
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
function recommendedBefore(context: StudyContext, entry: FrontEntry): RecommendedModel | null {
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
async function asRecommended(
  context: StudyContext,
  { devices: _, missing: __, feasible: ___, misses: ____, ...model }: RecommendedModel,
): Promise<Finished> {
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

/** @param known what devices have said before */
async function measured(
  context: StudyContext,
  { model, files, qualities, metrics: ofTraining }: Finished,
  known: readonly RecommendedDevice[],
): Promise<Measured> {
  const { spec, state } = context;
  const { trialId, parameters, macs } = model;
  const asked = await answersOf(context, known, (device) => confirmed(context, trialId, device, files, qualities));
  const devices = asked.flatMap((answer) => ('config' in answer ? [answer] : []));
  const missing = asked.flatMap((answer) => ('config' in answer ? [] : [answer]));
  if (devices.length === 0)
    throw new Error(`trial ${trialId} could not be measured: ${missing.map(({ reason }) => reason).join('; ')}`);
  // Of what the devices are recommended, the largest file and the one that does worst.
  const modelSize = Math.max(...devices.map(({ config }) => bytesIn(files, config.precision)));
  const quality = worstOf(devices.map(({ config }) => qualities[config.precision] ?? qualities.float32));
  const metrics: Metrics = {
    ...ofTraining,
    ...trainingCosts(spec, state.trainings, trialId),
    ...quality,
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

/** What each device says, or why it says nothing; asked again where a person has decided otherwise about one meanwhile. */
async function answersOf(
  { spec, standing }: StudyContext,
  known: readonly RecommendedDevice[],
  ask: (device: string) => Promise<RecommendedDevice | Missing>,
): Promise<(RecommendedDevice | Missing)[]> {
  const said = new Map<string, { by: StudyDevice; answer: RecommendedDevice }>();
  const isByIt = (device: string) => {
    const by = said.get(device)?.by;
    return by !== undefined && isSameBoard(standing(device), by);
  };
  for (const answer of known) {
    const by = standing(answer.device);
    if (hasMeasured({ devices: [answer] }, by)) said.set(answer.device, { by, answer });
  }
  for (;;) {
    const asked = await Promise.all(
      spec.devices.map(async (device): Promise<RecommendedDevice | Missing> => {
        const by = standing(device);
        if (by.standing === 'left-out') return { device, reason: by.reason ?? `${device} was left out` };
        const before = isByIt(device) ? said.get(device) : undefined;
        const answer = before ? before.answer : await ask(device);
        if ('config' in answer) said.set(device, { by, answer });
        return answer;
      }),
    );
    const isDecidedAnew = (answer: RecommendedDevice | Missing) =>
      'config' in answer && (standing(answer.device).standing === 'left-out' || !isByIt(answer.device));
    if (!asked.some(isDecidedAnew)) return asked;
  }
}

/** What a device says of a trained model, or why it says nothing: nobody else waits for a device in trouble. */
async function confirmed(
  context: StudyContext,
  trialId: number,
  device: string,
  files: ModelFile & Pick<ArchitectureFacts, 'int8'>,
  qualities: Qualities,
): Promise<RecommendedDevice | Missing> {
  const { deviceTroubles, standing, signal } = context;
  const ask = (until: AbortSignal) =>
    troubleOf(device, () => confirm(context, trialId, device, files, qualities, until));
  const whyNot = () => standing(device).reason ?? `${device} was left out`;
  for (;;) {
    const asked = standing(device);
    const isStillIt = () => isSameBoard(standing(device), asked);
    const isExpected = deviceTroubles.isExpected(device);
    const isThere = () => standing(device).standing === 'marked' && isPresent(context.device(device));
    if (!isExpected && !isThere()) return { device, reason: whyNot() };
    // One that nothing waits for is tried once, as long as it is there.
    const isWanted = () => isStillIt() && (deviceTroubles.isExpected(device) || (!isExpected && isThere()));
    const [over, unwanted] = [new AbortController(), new AbortController()];
    const watch = async () => {
      const watching = AbortSignal.any([signal, over.signal]);
      while (isWanted()) await deviceTroubles.changes.next(watching);
      unwanted.abort(new DeviceTroubleError(whyNot()));
    };
    watch().catch(() => {});
    const until = AbortSignal.any([signal, unwanted.signal]);
    try {
      if (isExpected) return await deviceTroubles.attempt(device, () => ask(until), until);
      return await deviceTroubles.tryOnce(device, () => ask(until));
    } catch (error) {
      signal.throwIfAborted();
      const isItsTrouble = error instanceof DeviceTroubleError || unwanted.signal.aborted;
      if (isStillIt() && !isItsTrouble && !(error instanceof NotMeasuredError)) throw error;
      if (isStillIt()) return { device, reason: (error as Error).message };
    } finally {
      over.abort();
    }
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
  qualities: Qualities,
  signal: AbortSignal,
): Promise<RecommendedDevice> {
  const { spec, emit, inference } = context;
  const device = context.deviceNow(deviceName);
  const result = await inference.tune(
    inferenceRequest(context, files, device, null),
    (measurement, source) => emit({ type: 'measured', trialId, measurement, source }),
    signal,
  );
  const measurements = result.all.map(({ measurement }) => measurement);
  const choice = choosePrecision(spec, deviceName, measurements, qualities, (precision) => bytesIn(files, precision));
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
