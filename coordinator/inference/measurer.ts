/** Gets the measurement of one config: from the history, from one that is under way, or made now. */
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import { RUNS_PER_SEARCH } from '@edgetune/shared/domain/rate-search.ts';
import { type Scenario, scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import { type MeasureRequest, type StopRule, stopRuleSchema } from '@edgetune/shared/protocol/job.ts';
import { type Fleet, JobFailedError } from '../fleet/fleet.ts';
import { aborted, unlessAborted } from '../lifecycle/aborted.ts';
import type { InferenceRequest, MeasurementHistory } from './inference-server.ts';
import { asksForPower, type Known, recall } from './known-measurements.ts';
import { type ModelFile, modelFor } from './model-variants.ts';

export interface MeasurerOptions {
  measure: Fleet['measure'];
  history: MeasurementHistory;
  /** How long each config is measured; the defaults are those of the protocol. */
  stopRule?: Partial<StopRule>;
}

/** A measurement, or why the device cannot make it. */
export type Answer = Known | { reason: string };

const NOT_HERE: ReadonlySet<JobFailedError['state']> = new Set(['rejected', 'timed-out']);

export class Measurer {
  readonly #options: MeasurerOptions;
  readonly #stopRule: StopRule;
  /** Who wants the same measurement as another one waits for it. */
  readonly #underWay = new Map<string, Promise<Answer>>();

  constructor(options: MeasurerOptions) {
    this.#options = options;
    this.#stopRule = stopRuleSchema.parse(options.stopRule ?? {});
  }

  /** @throws {Error} where the agent is lost or the model cannot be had; the signal's reason when it is aborted */
  async obtain(request: InferenceRequest, config: InferenceConfig, signal: AbortSignal): Promise<Answer> {
    const model = modelFor(request, config);
    if ('reason' in model) return model;
    const recalled = request.purpose === 'search' ? recall(this.#options.history, request, config) : null;
    if (recalled) return recalled;
    const key = keyOf(request, model, config);
    const running = this.#underWay.get(key);
    if (running) {
      const shared = await Promise.race([running.catch(() => null), aborted(signal)]);
      // Where the other asker gave up, its measurement is gone: make our own.
      if (shared) return 'reason' in shared ? shared : { ...shared, source: 'reused-device' };
      return this.obtain(request, config, signal);
    }
    const made = this.#make(request, model, config, signal).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, made);
    return made;
  }

  async #make(
    request: InferenceRequest,
    { signature, modelSha256, modelBytes }: ModelFile,
    config: InferenceConfig,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { device, studyId, scenario, seed } = request;
    const job: MeasureRequest = {
      kind: 'measure',
      modelSha256,
      modelBytes,
      signature,
      config,
      scenario,
      stopRule: longEnoughForMeter(longEnoughForScenario(this.#stopRule, scenario), request),
      dimensions: request.dimensions ?? {},
      memoryLimitBytes: null,
      seed,
    };
    try {
      const measurement = await this.#options.measure(device.id, job, { studyId, signal });
      await unlessAborted(this.#options.history.save(measurement), signal).catch((error) => {
        // Who ends now does not wait for it: it is written all the same, before whatever is written of it.
        if (!signal.aborted) throw error;
      });
      return { measurement, source: 'measured' };
    } catch (error) {
      signal.throwIfAborted();
      // What this config cannot do here says something of it; a lost agent or a failed download does not.
      if (error instanceof JobFailedError && NOT_HERE.has(error.state)) return { reason: error.message };
      throw error;
    }
  }
}

/** The same for whoever wants the same: what is confirmed is this very model, not one of the same graph. */
function keyOf({ purpose, device, scenario }: InferenceRequest, model: ModelFile, config: InferenceConfig): string {
  const weights = purpose === 'search' ? '' : model.modelSha256;
  return [model.signature, weights, device.id, inferenceConfigKey(config), scenarioKey(scenario)].join('|');
}

/** A server scenario without a rate is a search of several runs. */
function longEnoughForScenario(rule: StopRule, scenario: Scenario): StopRule {
  return scenario.kind === 'server' && scenario.arrivalsPerS === undefined
    ? { ...rule, maxDurationMs: rule.maxDurationMs * RUNS_PER_SEARCH }
    : rule;
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
