/** Searches inference configs on devices, beside training, and remembers what was measured. */
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { createAsItIs } from './as-it-is.ts';
import { configsToConfirm } from './configs-to-confirm.ts';
import { Evaluation, UnfitError } from './evaluation.ts';
import { architectureGroup, createExperience, type Experience } from './experience.ts';
import { bestOf, impossible, refused, resultOf } from './inference-result.ts';
import type { InferenceRequest, InferenceResult, InferenceServer } from './inference-server.ts';
import type { ModelInspector } from './inspector/model-inspector.ts';
import { knownConfigs } from './known-measurements.ts';
import { Measurer, type MeasurerOptions } from './measurer.ts';
import { filesOf, modelFor, twinOf, withoutMissing } from './model-variants.ts';
import { NO_ARCHITECTURE } from './predictor/coordinates.ts';
import { type ConfigAxis, configAxes } from './search/config-grid.ts';
import { type Goals, goalsOf } from './search/config-score.ts';
import { searchConfigs } from './search/config-search.ts';
import type { SearchProblem } from './search/search-problem.ts';

export interface InferenceServerOptions extends MeasurerOptions {
  /** What a device's board is now, before it is asked what is known of it. Absent: what the request says. */
  described?: Fleet['described'];
  /** Where models lie: their fused kernels tell the predictor how architectures differ. Absent: it learns from one only. */
  blobs?: { get(sha256: string): Promise<Uint8Array> };
  /** Absent: models are analysed in this thread. */
  inspector?: Pick<ModelInspector, 'architectureOf'>;
}

export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const { history } = options;
  const measurer = new Measurer(options);
  const experience = createExperience(options);
  const asItIs = createAsItIs(options.blobs);
  const disturbed = new Set<string>();

  async function search(
    request: InferenceRequest,
    axes: readonly ConfigAxis[],
    goals: Goals,
    evaluation: Evaluation,
  ): Promise<InferenceResult> {
    const endMs = performance.now() + (request.maxMs ?? Infinity);
    const twin = (config: InferenceConfig) => twinOf(request, axes, config);
    if (request.purpose === 'confirm')
      for (const config of configsToConfirm(history, request, axes, goals)) await evaluation.evaluate(config);
    if (evaluation.all.length > 0) {
      await measureTwins(evaluation, goals, twin);
      return resultOf(evaluation.all, goals, evaluation.reason);
    }

    const { possible, refusedAt } = await searchConfigs({
      axes,
      goals,
      ...(await taught(experience, request)),
      isKnown: request.purpose === 'search' ? knownConfigs(history, request) : () => false,
      evaluate: (config) => evaluation.evaluate(config),
      isTimeUp: () => performance.now() >= endMs,
    });
    const { all, unfit } = evaluation;
    if (refusedAt !== null) return refused(request.device.name, refusedAt, possible, all);
    if (all.length === 0 && unfit !== null) throw new UnfitError(unfit);
    await measureTwins(evaluation, goals, twin);
    return { ...resultOf(all, goals, evaluation.reason), possible };
  }

  return {
    async tune(asked, onMeasured, signal) {
      const request = await asItIs(await onBoardNow(asked, options.described));
      signal.throwIfAborted();
      const { device } = request;
      const goals = goalsOf(request, device.name);
      let axes: readonly ConfigAxis[];
      try {
        axes = withoutMissing(configAxes(request.parameters, device), request, request.constraints);
      } catch (error) {
        return impossible((error as Error).message);
      }
      const obtain = (config: InferenceConfig) => measurer.obtain(request, config, signal);
      const evaluation = new Evaluation({ deviceId: device.id, obtain, onMeasured, disturbed, signal });
      try {
        return await search(request, axes, goals, evaluation);
      } catch (error) {
        if (!(error instanceof UnfitError)) throw error;
        return { ...resultOf(evaluation.all, goals, error.message), unfit: error.message };
      }
    },
  };
}

/**
 * A variant is the best only beside the model itself in the same config: that is measured, whatever the search expected of it and
 * however long it took.
 */
async function measureTwins(
  evaluation: Evaluation,
  goals: Goals,
  twin: (config: InferenceConfig) => InferenceConfig | null,
): Promise<void> {
  const asked = new Set(evaluation.all.map(({ measurement }) => inferenceConfigKey(measurement.config)));
  for (;;) {
    const best = bestOf(evaluation.all, goals);
    const config = best && twin(best.config);
    if (!config || asked.has(inferenceConfigKey(config))) return;
    asked.add(inferenceConfigKey(config));
    await evaluation.evaluate(config);
  }
}

/** Power mode, clocks and runtimes may be others than when it was asked for: with them what may be reused, and what can be set. */
async function onBoardNow(request: InferenceRequest, described?: Fleet['described']): Promise<InferenceRequest> {
  const { device } = request;
  // A simulated board is what its profile says.
  if (!described || device.board?.simulated) return request;
  const now = await described(device.id);
  return now ? { ...request, device: { ...device, board: now.board, deviceClass: now.deviceClass } } : request;
}

/** What the search knows of the device and of the graphs that its configs run, before anything is measured. */
async function taught(
  experience: Experience,
  request: InferenceRequest,
): Promise<Pick<SearchProblem, 'cores' | 'group' | 'architectureFor' | 'examples'>> {
  const architectures = new Map<string, readonly number[] | null>();
  for (const file of filesOf(request))
    architectures.set(file.modelSha256, await experience.architectureOf({ ...request, ...file }));
  const architecture = architectures.get(request.modelSha256);
  return {
    cores: request.device.board?.logicalCores ?? 1,
    group: architecture ? architectureGroup(architecture) : request.signature,
    architectureFor: (config) => {
      const model = modelFor(request, config);
      return ('reason' in model ? architecture : architectures.get(model.modelSha256)) ?? NO_ARCHITECTURE;
    },
    examples: architecture ? await experience.examples(request) : () => [],
  };
}
