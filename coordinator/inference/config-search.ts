/**
 * Hill climbing over the grid of inference configs: from a start, measure the neighbours on each axis, go to the best,
 * until none is better. Latency, throughput, memory and energy are near-unimodal along each axis (threads help until
 * they hurt; batches amortise until they thrash), so that few configs are measured.
 */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import { type ConfigAxis, configAt } from './config-grid.ts';
import { type ConfigScore, compareScores } from './config-score.ts';

/** Measures a config (or recalls it) and says how good it is. */
export type Evaluate = (config: InferenceConfig) => Promise<ConfigScore>;

/** @returns the positions of the best config on the axes */
export async function climb(axes: readonly ConfigAxis[], evaluate: Evaluate): Promise<number[]> {
  const scores = new Map<string, ConfigScore>();
  const scoreAt = async (positions: readonly number[]): Promise<ConfigScore> => {
    const key = positions.join();
    const known = scores.get(key);
    if (known) return known;
    const score = await evaluate(configAt(axes, positions));
    scores.set(key, score);
    return score;
  };

  let best = startOf(axes);
  let bestScore = await scoreAt(best);
  for (let improved = true; improved; ) {
    improved = false;
    for (const neighbour of neighboursOf(axes, best)) {
      const score = await scoreAt(neighbour);
      if (compareScores(score, bestScore) >= 0) continue;
      [best, bestScore, improved] = [neighbour, score, true];
    }
  }
  return best;
}

/** The smallest batch, all cores that the axis offers, the highest clock: what a latency study wants most often. */
function startOf(axes: readonly ConfigAxis[]): number[] {
  return axes.map(({ name, values }) => (name === 'threads' || name === 'clockKHz' ? values.length - 1 : 0));
}

function neighboursOf(axes: readonly ConfigAxis[], positions: readonly number[]): number[][] {
  return axes.flatMap(({ values }, axis) =>
    [-1, 1].flatMap((step) => {
      const position = (positions[axis] as number) + step;
      return position >= 0 && position < values.length ? [positions.with(axis, position)] : [];
    }),
  );
}
