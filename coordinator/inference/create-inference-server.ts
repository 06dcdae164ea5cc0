/** Searches inference configs on devices, beside training, and remembers what was measured. */
import { randomUUID } from 'node:crypto';
import { type InferenceConfig, inferenceConfigKey, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { RUNS_PER_SEARCH } from '@edgetune/shared/domain/rate-search.ts';
import { type Scenario, scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { type MeasureRequest, type StopRule, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Fleet, JobFailedError } from '../fleet/fleet.ts';
import { aborted } from '../lifecycle/aborted.ts';
import { architectureGroup, createExperience } from './experience.ts';
import type {
  InferenceRequest,
  InferenceResult,
  InferenceServer,
  MeasurementHistory,
  MeasurementSource,
} from './inference-server.ts';
import { nonDominated } from './measurement-front.ts';
import { filesOf, type ModelFile, modelFor, withoutMissing } from './model-variants.ts';
import { NO_ARCHITECTURE } from './predictor/coordinates.ts';
import { allPositions, type ConfigAxis, configAt, configAxes } from './search/config-grid.ts';
import { bestFirst, type Goals, goalsOf, violationOn } from './search/config-score.ts';
import { searchConfigs } from './search/config-search.ts';

export interface InferenceServerOptions {
  measure: Fleet['measure'];
  history: MeasurementHistory;
  /** Where models lie: their fused kernels tell the predictor how architectures differ. Absent: it learns from one only. */
  blobs?: { get(sha256: string): Promise<Uint8Array> };
  /** How long each config is measured; the defaults are those of the protocol. */
  stopRule?: Partial<StopRule>;
}

type OnMeasured = (measurement: StoredMeasurement, source: MeasurementSource) => void;
interface Known {
  measurement: StoredMeasurement;
  source: MeasurementSource;
}

const NOT_HERE: ReadonlySet<JobFailedError['state']> = new Set(['rejected', 'timed-out']);

export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const stopRule = stopRuleSchema.parse(options.stopRule ?? {});
  const stopRuleFor = (scenario: Scenario): StopRule =>
    scenario.kind === 'server' && scenario.arrivalsPerS === undefined
      ? { ...stopRule, maxDurationMs: stopRule.maxDurationMs * RUNS_PER_SEARCH }
      : stopRule;
  const experience = createExperience(options);
  /** Devices whose latest measurement was disturbed: their next search ends at the first that is. */
  const disturbed = new Set<string>();
  /** Measurements under way: who wants the same one waits for it. */
  const underWay = new Map<string, Promise<Known | { reason: string }>>();

  /** The measurement of one config: from the history, from one under way, or made now. */
  async function obtain(
    request: InferenceRequest,
    config: InferenceConfig,
    signal: AbortSignal,
  ): Promise<Known | { reason: string }> {
    const model = modelFor(request, config);
    if ('reason' in model) return model;
    const recalled = request.purpose === 'search' ? recall(options.history, request, config) : null;
    if (recalled) return recalled;
    const key = [
      model.signature,
      request.purpose === 'search' ? '' : model.modelSha256,
      request.device.id,
      inferenceConfigKey(config),
      scenarioKey(request.scenario),
    ].join('|');
    const running = underWay.get(key);
    if (running) {
      const shared = await Promise.race([running.catch(() => null), aborted(signal)]);
      // Where the other asker gave up, its measurement is gone: make our own.
      if (shared) return 'reason' in shared ? shared : { ...shared, source: 'reused-device' };
      return obtain(request, config, signal);
    }
    const made = make(request, model, config, signal).finally(() => underWay.delete(key));
    underWay.set(key, made);
    return made;
  }

  async function make(
    request: InferenceRequest,
    { signature, modelSha256, modelBytes }: ModelFile,
    config: InferenceConfig,
    signal: AbortSignal,
  ): Promise<Known | { reason: string }> {
    const { device, studyId, scenario, seed } = request;
    const job: MeasureRequest = {
      kind: 'measure',
      modelSha256,
      modelBytes,
      signature,
      config,
      scenario,
      stopRule: longEnoughForMeter(stopRuleFor(scenario), request),
      dimensions: request.dimensions ?? {},
      memoryLimitBytes: null,
      seed,
    };
    try {
      const measured = await options.measure(device.id, job, { studyId, signal });
      const measurement: StoredMeasurement = {
        ...measured,
        id: `m-${randomUUID()}`,
        deviceId: device.id,
        deviceName: device.name,
        studyId,
      };
      options.history.save(measurement);
      return { measurement, source: 'measured' };
    } catch (error) {
      signal.throwIfAborted();
      // What this config cannot do here says something of it; a lost agent or a failed download does not.
      if (error instanceof JobFailedError && NOT_HERE.has(error.state)) return { reason: error.message };
      throw error;
    }
  }

  async function tune(
    request: InferenceRequest,
    all: Known[],
    onMeasured: OnMeasured,
    signal: AbortSignal,
  ): Promise<InferenceResult> {
    const { device } = request;
    const goals = goalsOf(request, device.name);
    const endMs = performance.now() + (request.maxMs ?? Infinity);
    let reason: string | null = null;
    let unfit: string | null = null;
    let axes: ConfigAxis[];
    try {
      axes = withoutMissing(configAxes(request.parameters, device), request, request.constraints);
    } catch (error) {
      return { best: null, feasible: false, violation: Infinity, all, front: [], reason: (error as Error).message };
    }
    const evaluate = async (config: InferenceConfig) => {
      signal.throwIfAborted();
      const answer = await obtain(request, config, signal);
      if ('reason' in answer) {
        reason = answer.reason;
        return null;
      }
      onMeasured(answer.measurement, answer.source);
      if (answer.measurement.outcome === 'invalid') {
        const { conditions, reason: why } = answer.measurement;
        unfit = why ?? 'invalid';
        // Another config may heat the board less; other programs disturb them all.
        if (conditions.throttled || conditions.underVoltage) return null;
        // The agent has tried several times: the next config would fare the same.
        if (disturbed.has(device.id)) throw new UnfitError(unfit);
        disturbed.add(device.id);
        return null;
      }
      if (answer.source === 'measured') disturbed.delete(device.id);
      all.push(answer);
      if (answer.measurement.outcome !== 'ok') reason = answer.measurement.reason ?? answer.measurement.outcome;
      return answer.measurement;
    };
    if (request.purpose === 'confirm') {
      for (const config of configsToConfirm(options.history, request, axes, goals)) await evaluate(config);
    }
    if (all.length > 0) return resultOf(all, goals, reason);

    const architectures = new Map<string, readonly number[] | null>();
    for (const file of filesOf(request))
      architectures.set(file.modelSha256, await experience.architectureOf({ ...request, ...file }));
    const architecture = architectures.get(request.modelSha256);
    const examples = architecture ? await experience.examples(request) : () => [];
    const known = request.purpose === 'search' ? keysInHistory(options.history, request) : new Set<string>();
    const found = await searchConfigs({
      axes,
      goals,
      cores: device.board?.logicalCores ?? 1,
      group: architecture ? architectureGroup(architecture) : request.signature,
      architectureFor: (config) => {
        const model = modelFor(request, config);
        return ('reason' in model ? architecture : architectures.get(model.modelSha256)) ?? NO_ARCHITECTURE;
      },
      examples,
      isKnown: (config) => {
        const model = modelFor(request, config);
        return !('reason' in model) && known.has(`${model.signature}|${inferenceConfigKey(config)}`);
      },
      evaluate,
      isTimeUp: () => performance.now() >= endMs,
    });
    const { possible, refusedAt } = found;
    if (refusedAt === null && all.length === 0 && unfit !== null) throw new UnfitError(unfit);
    if (refusedAt === null) return { ...resultOf(all, goals, reason), possible };
    return {
      best: null,
      feasible: false,
      violation: refusedAt,
      all,
      front: [],
      reason: `predicted from other architectures on ${device.name}: every inference config violates a constraint, with its whole 95 % interval`,
      possible,
      refusedByPrediction: true,
    };
  }

  return {
    async tune(request, onMeasured, signal) {
      const all: Known[] = [];
      try {
        return await tune(request, all, onMeasured, signal);
      } catch (error) {
        if (!(error instanceof UnfitError)) throw error;
        const goals = goalsOf(request, request.device.name);
        return { ...resultOf(all, goals, error.message), unfit: error.message };
      }
    },
  };
}

/** The device gives no valid measurement now. */
class UnfitError extends Error {
  override name = 'UnfitError';
}

/** A study that asks for energy or power measures as long as the board's meter needs: a smart plug needs many seconds. */
function longEnoughForMeter(rule: StopRule, request: InferenceRequest): StopRule {
  const leastMs = asksForPower(request) ? (request.device.board?.powerMeterLeastWindowMs ?? 0) : 0;
  return {
    ...rule,
    minDurationMs: Math.max(rule.minDurationMs, leastMs),
    maxDurationMs: Math.max(rule.maxDurationMs, leastMs),
  };
}

function asksForPower(request: InferenceRequest): boolean {
  const { aims, limits } = goalsOf(request, request.device.name);
  return [...aims, ...limits].some(({ metric }) => metric === 'energy' || metric === 'power');
}

/** The best config and one rival: noise may have swapped neighbours. */
const CONFIRMED_CONFIGS = 2;

/**
 * The config that the search found best for this architecture, and its closest rival; where there are variants, the
 * best one in each precision too: which precision is worth its accuracy is decided by whoever knows that.
 */
function configsToConfirm(
  history: MeasurementHistory,
  request: InferenceRequest,
  axes: readonly ConfigAxis[],
  goals: Goals,
): InferenceConfig[] {
  const allowed = new Set(allPositions(axes).map((positions) => inferenceConfigKey(configAt(axes, positions))));
  const found = filesOf(request)
    .flatMap(({ signature }) => usable(history, request, signature))
    // The history also knows what others were allowed to choose from.
    .map(({ measurement }) => measurement)
    .filter(({ config }) => allowed.has(inferenceConfigKey(config)));
  const known = [
    ...new Map(bestFirst(goals, found).map(({ config }) => [inferenceConfigKey(config), config])).values(),
  ];
  const chosen = known.slice(0, CONFIRMED_CONFIGS);
  const [best] = chosen;
  const precisions = axes.find(({ name }) => name === 'precision')?.values ?? [];
  if (!best || !request.variants) return chosen;
  for (const precision of precisions as Precision[]) {
    if (chosen.some((config) => config.precision === precision)) continue;
    chosen.push(known.find((config) => config.precision === precision) ?? { ...best, precision });
  }
  return chosen;
}

/** The latest measurement of a config, rather on the device than on another one of its class. */
function recall(history: MeasurementHistory, request: InferenceRequest, config: InferenceConfig): Known | null {
  const model = modelFor(request, config);
  if ('reason' in model) return null;
  const key = inferenceConfigKey(config);
  const known = usable(history, request, model.signature).filter(
    ({ measurement }) => inferenceConfigKey(measurement.config) === key,
  );
  return known.findLast(({ source }) => source === 'reused-device') ?? known.at(-1) ?? null;
}

/** Of which configs of the model and its variants `recall` has a measurement: one look for the whole grid. */
function keysInHistory(history: MeasurementHistory, request: InferenceRequest): ReadonlySet<string> {
  const found = filesOf(request).flatMap(({ signature }) => usable(history, request, signature));
  return new Set(found.map(({ measurement: { signature, config } }) => `${signature}|${inferenceConfigKey(config)}`));
}

/**
 * What the history knows of this architecture on the device or its class. Failed and disturbed runs are not reused, nor
 * one without energy where that is asked for and the board has a meter: its window was too short.
 */
function usable(history: MeasurementHistory, request: InferenceRequest, signature: string): Known[] {
  const { device, scenario } = request;
  if (device.deviceClass === null) return [];
  const needsEnergy = device.board?.powerMeter != null && asksForPower(request);
  return history
    .find({ signature, deviceClass: device.deviceClass, scenarioKey: scenarioKey(scenario) })
    .filter(
      ({ outcome, energy }) => (outcome === 'ok' && !(needsEnergy && energy === null)) || outcome === 'out-of-memory',
    )
    .map((measurement) => ({
      measurement,
      source: measurement.deviceId === device.id ? 'reused-device' : 'reused-class',
    }));
}

function resultOf(all: Known[], goals: Goals, reason: string | null): InferenceResult {
  const measured = all.map(({ measurement }) => measurement).filter(({ outcome }) => outcome === 'ok');
  const [best = null] = bestFirst(goals, measured);
  const violation = best ? violationOn(best, goals.limits) : Infinity;
  return {
    best,
    feasible: violation === 0,
    violation,
    all,
    front: nonDominated(measured),
    reason: violation === 0 ? null : best ? shortfall(best, goals) : (reason ?? 'nothing could be measured'),
  };
}

/** Which constraints even the best config violates, with its values. */
function shortfall(best: StoredMeasurement, { limits }: Goals): string {
  const metrics = metricsOf(best);
  const broken = limits.filter((limit) => violationOn(best, [limit]) > 0);
  const values = broken.map(
    ({ metric, operator, limit }) =>
      `${metric} is ${metrics[metric]?.toPrecision(3) ?? 'not measured'}, not ${operator} ${limit}`,
  );
  return `even the best inference config: ${values.join('; ')}`;
}
