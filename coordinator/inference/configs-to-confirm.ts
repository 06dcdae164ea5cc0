/** Which configs are measured again, with trained weights and on each device itself, before they are recommended. */
import { type InferenceConfig, inferenceConfigKey, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { InferenceRequest, MeasurementHistory } from './inference-server.ts';
import { usable } from './known-measurements.ts';
import { filesOf } from './model-variants.ts';
import { allPositions, type ConfigAxis, configAt } from './search/config-grid.ts';
import { bestFirst, type Goals } from './search/config-score.ts';

/** The best config and one rival: noise may have swapped neighbours. */
const CONFIRMED_CONFIGS = 2;

/**
 * The config that the search found best for this architecture, and its closest rival; where there are variants, the
 * best one in each precision too: which precision is worth its accuracy is decided by whoever knows that.
 */
export function configsToConfirm(
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
