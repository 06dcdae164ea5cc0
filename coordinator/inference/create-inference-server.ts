/** Searches inference configs on devices, beside training, and remembers what was measured. */
import { randomUUID } from 'node:crypto';
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { type Scenario, scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { type MeasureRequest, type StopRule, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Fleet, JobFailedError } from '../fleet/fleet.ts';
import { type ConfigAxis, configAxes } from './config-grid.ts';
import { compareScores, createScorer, type Goals, goalsOf, type Scorer } from './config-score.ts';
import { searchConfigs } from './config-search.ts';
import { NO_ARCHITECTURE } from './coordinates.ts';
import { createExperience } from './experience.ts';
import type {
  InferenceRequest,
  InferenceResult,
  InferenceServer,
  MeasurementHistory,
  MeasurementSource,
} from './inference-server.ts';
import { nonDominated } from './measurement-front.ts';

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
      ? { ...stopRule, maxDurationMs: stopRule.maxDurationMs * RATES_TRIED }
      : stopRule;
  const experience = createExperience(options);
  /** Measurements under way: who wants the same one waits for it. */
  const underWay = new Map<string, Promise<Known | { reason: string }>>();

  /** The measurement of one config: from the history, from one under way, or made now. */
  async function obtain(
    request: InferenceRequest,
    config: InferenceConfig,
    signal: AbortSignal,
  ): Promise<Known | { reason: string }> {
    const recalled = request.purpose === 'search' ? recall(options.history, request, config) : null;
    if (recalled) return recalled;
    const key = [
      request.purpose === 'search' ? request.signature : request.modelSha256,
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
    const made = make(request, config, signal).finally(() => underWay.delete(key));
    underWay.set(key, made);
    return made;
  }

  async function make(
    request: InferenceRequest,
    config: InferenceConfig,
    signal: AbortSignal,
  ): Promise<Known | { reason: string }> {
    const { device, studyId, modelSha256, modelBytes, signature, scenario, seed } = request;
    const job: MeasureRequest = {
      kind: 'measure',
      modelSha256,
      modelBytes,
      signature,
      config,
      scenario,
      stopRule: stopRuleFor(scenario),
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
    onMeasured: OnMeasured,
    signal: AbortSignal,
  ): Promise<InferenceResult> {
    const { device } = request;
    const goals = goalsOf(request.objectives, request.constraints, device.name);
    const score = createScorer(goals);
    const endMs = performance.now() + (request.maxMs ?? Infinity);
    const all: Known[] = [];
    let reason: string | null = null;
    let axes: ConfigAxis[];
    try {
      axes = configAxes(request.parameters, device);
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
      all.push(answer);
      onMeasured(answer.measurement, answer.source);
      if (answer.measurement.outcome !== 'ok') reason = answer.measurement.reason ?? answer.measurement.outcome;
      return answer.measurement;
    };
    if (request.purpose === 'confirm') await confirm(options.history, request, score, evaluate);
    if (all.length > 0) return resultOf(all, goals, reason);

    const architecture = await experience.architectureOf(request);
    const examples = architecture ? await experience.examples(request) : () => [];
    const found = await searchConfigs({
      axes,
      goals,
      cores: device.board?.logicalCores ?? 1,
      group: request.signature,
      architecture: architecture ?? NO_ARCHITECTURE,
      examples,
      isKnown: (config) => request.purpose === 'search' && recall(options.history, request, config) !== null,
      evaluate,
      isTimeUp: () => performance.now() >= endMs,
    });
    const { possible, refusedAt } = found;
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

  /** Measures anew the config that the search found best for this architecture, and its closest rival. */
  async function confirm(
    history: MeasurementHistory,
    request: InferenceRequest,
    score: Scorer,
    evaluate: (config: InferenceConfig) => Promise<unknown>,
  ) {
    const found = usable(history, request).sort((a, b) => compareScores(score(a.measurement), score(b.measurement)));
    const configs = new Map(found.map(({ measurement: { config } }) => [inferenceConfigKey(config), config]));
    for (const config of [...configs.values()].slice(0, CONFIRMED_CONFIGS)) await evaluate(config);
  }

  return { tune };
}

/** Bisection to 2 % and a window at the rate that it finds. */
const RATES_TRIED = 7;

/** The best config and one rival: noise may have swapped neighbours. */
const CONFIRMED_CONFIGS = 2;

function recall(history: MeasurementHistory, request: InferenceRequest, config: InferenceConfig): Known | null {
  const key = inferenceConfigKey(config);
  const known = usable(history, request).filter(({ measurement }) => inferenceConfigKey(measurement.config) === key);
  return known.find(({ source }) => source === 'reused-device') ?? known[0] ?? null;
}

/** What the history knows of this architecture on the device or its class; failed and disturbed runs are not reused. */
function usable(history: MeasurementHistory, { signature, device, scenario }: InferenceRequest): Known[] {
  if (device.deviceClass === null) return [];
  return history
    .find({ signature, deviceClass: device.deviceClass, scenarioKey: scenarioKey(scenario) })
    .filter(({ outcome }) => outcome === 'ok' || outcome === 'out-of-memory')
    .map((measurement) => ({
      measurement,
      source: measurement.deviceId === device.id ? 'reused-device' : 'reused-class',
    }));
}

function resultOf(all: Known[], goals: Goals, reason: string | null): InferenceResult {
  const score = createScorer(goals);
  const measured = all.map(({ measurement }) => measurement).filter(({ outcome }) => outcome === 'ok');
  const [best = null] = [...measured].sort((a, b) => compareScores(score(a), score(b)));
  const violation = best ? score(best).violation : Infinity;
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
function shortfall(best: StoredMeasurement, { aims, limits }: Goals): string {
  const metrics = metricsOf(best);
  const broken = limits.filter((limit) => createScorer({ aims, limits: [limit] })(best).violation > 0);
  const values = broken.map(
    ({ metric, operator, limit }) =>
      `${metric} is ${metrics[metric]?.toPrecision(3) ?? 'not measured'}, not ${operator} ${limit}`,
  );
  return `even the best inference config: ${values.join('; ')}`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
