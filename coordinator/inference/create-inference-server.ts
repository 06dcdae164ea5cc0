/** Searches inference configs on devices, beside training, and remembers what was measured. */
import { randomUUID } from 'node:crypto';
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { type MeasureRequest, type StopRule, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Fleet, JobFailedError } from '../fleet/fleet.ts';
import { configAxes } from './config-grid.ts';
import { compareScores, createScorer, IMPOSSIBLE, type Scorer } from './config-score.ts';
import { climb } from './config-search.ts';
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
  /** How long each config is measured; the defaults are those of the protocol. */
  stopRule?: Partial<StopRule>;
}

type OnMeasured = (measurement: StoredMeasurement, source: MeasurementSource) => void;
interface Known {
  measurement: StoredMeasurement;
  source: MeasurementSource;
}

export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const stopRule = stopRuleSchema.parse(options.stopRule ?? {});
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
      stopRule,
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
      if (error instanceof JobFailedError) return { reason: error.message };
      throw error;
    }
  }

  async function tune(
    request: InferenceRequest,
    onMeasured: OnMeasured,
    signal: AbortSignal,
  ): Promise<InferenceResult> {
    const score = createScorer(request.objectives, request.constraints, request.device.name);
    const all: Known[] = [];
    let reason: string | null = null;
    let axes: ReturnType<typeof configAxes>;
    try {
      axes = configAxes(request.parameters, request.device);
    } catch (error) {
      return { best: null, feasible: false, violation: Infinity, all, front: [], reason: (error as Error).message };
    }
    const evaluate = async (config: InferenceConfig) => {
      signal.throwIfAborted();
      const answer = await obtain(request, config, signal);
      if ('reason' in answer) {
        reason = answer.reason;
        return IMPOSSIBLE;
      }
      all.push(answer);
      onMeasured(answer.measurement, answer.source);
      if (answer.measurement.outcome !== 'ok') reason = answer.measurement.reason ?? answer.measurement.outcome;
      return score(answer.measurement);
    };
    if (request.purpose === 'confirm') await confirm(options.history, request, score, evaluate);
    if (all.length === 0) await climb(axes, evaluate);
    return resultOf(all, score, request, reason);
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

function resultOf(all: Known[], score: Scorer, request: InferenceRequest, reason: string | null): InferenceResult {
  const measured = all.map(({ measurement }) => measurement).filter(({ outcome }) => outcome === 'ok');
  const [best = null] = [...measured].sort((a, b) => compareScores(score(a), score(b)));
  const violation = best ? score(best).violation : Infinity;
  return {
    best,
    feasible: violation === 0,
    violation,
    all,
    front: nonDominated(measured),
    reason: violation === 0 ? null : best ? shortfall(best, request) : (reason ?? 'nothing could be measured'),
  };
}

/** Which constraints even the best config violates, with its values. */
function shortfall(best: StoredMeasurement, { constraints, objectives, device }: InferenceRequest): string {
  const metrics = metricsOf(best);
  const broken = constraints.filter(
    (constraint) => createScorer(objectives, [constraint], device.name)(best).violation > 0,
  );
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
