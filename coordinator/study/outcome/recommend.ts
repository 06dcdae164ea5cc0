/**
 * The end of a study: the front's models are trained to their full budget, exported, tested once in ONNX Runtime on the
 * test split (which the search has never seen), and measured with their trained weights on each device; so are their int8
 * variants, where the study asks for them.
 */
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { metricInfo } from '@edgetune/shared/domain/objective.ts';
import { createPreference } from '@edgetune/shared/domain/preference.ts';
import type { Recommendation, RecommendedDevice, RecommendedModel } from '@edgetune/shared/domain/recommendation.ts';
import { isSynthetic } from '@edgetune/shared/domain/study.ts';
import type { Metrics, StudyDevice } from '@edgetune/shared/domain/study-event.ts';
import { goalsOf, violationOn } from '../../inference/search/config-score.ts';
import type { FrontEntry } from '../../tuner/tuner.ts';
import type { StudyContext } from '../context/study-context.ts';
import { summariseTimeline } from '../state/timeline.ts';
import { bytesIn, deviceMetrics, trainingCosts, trialViolation } from '../state/trial-metrics.ts';
import { chanceOf, whyNoBetter } from './above-chance.ts';
import { answersOf, areDecidedAnew } from './device-answers.ts';
import { asRecommended, type FinishedModel, recommendedBefore, trainedFully } from './finished-model.ts';
import { misses } from './nearest.ts';
import { worstOf } from './quality.ts';
import { NothingLearnedError, UnfitError } from './unfit.ts';

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
  finished: FinishedModel;
  /** How the devices stood when they were asked. */
  asked: readonly StudyDevice[];
  model: RecommendedModel;
  metrics: Metrics;
  violation: number;
}

/** Of all of them; devices are asked again where a person has decided otherwise about one meanwhile. */
async function outcomesOf(
  context: StudyContext,
  work: readonly Promise<Measured>[],
): Promise<{ models: Measured[]; failures: Error[] }> {
  const outcomes = await Promise.allSettled(work);
  context.signal.throwIfAborted();
  if (outcomes.some((outcome) => outcome.status === 'fulfilled' && areDecidedAnew(context, outcome.value.asked))) {
    const again = outcomes.map(async (outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      const { finished, model } = outcome.value;
      return measured(context, finished, model.devices);
    });
    return outcomesOf(context, again);
  }
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

/** @param known what devices have said before */
async function measured(
  context: StudyContext,
  finished: FinishedModel,
  known: readonly RecommendedDevice[],
): Promise<Measured> {
  const { spec, state, standing } = context;
  const { model, files, qualities, metrics: ofTraining } = finished;
  const { trialId, parameters, macs } = model;
  const asked = spec.devices.map(standing);
  const answers = await answersOf(context, finished, known);
  const devices = answers.flatMap((answer) => ('config' in answer ? [answer] : []));
  const missing = answers.flatMap((answer) => ('config' in answer ? [] : [answer]));
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
    ...{ finished, asked },
    model: { ...model, devices, missing, feasible: violation === 0, misses: misses(spec, metrics) },
    metrics,
    violation,
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
