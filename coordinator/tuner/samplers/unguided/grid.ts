import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { randomSampler } from './random.ts';

/** Values at most on each continuous dimension. */
const FINEST = 50;

/**
 * A full grid: all separate values, and on continuous dimensions as many evenly spaced ones as `maxTrials` allows (two
 * at least). The points come in strides, so that any part of the grid is spread over the space. After the last one the
 * rest is random.
 */
export class GridSampler implements Sampler {
  readonly #maxTrials: number;

  constructor(maxTrials: number) {
    this.#maxTrials = maxTrials;
  }

  propose(view: SamplerView, random: Parameters<Sampler['propose']>[1]): Proposal {
    const { space, started, attempt } = view;
    let levels = 2;
    while (levels < FINEST && space.gridSize(levels + 1) <= this.#maxTrials) levels++;
    const size = space.gridSize(levels);
    const index = started + attempt;
    if (index >= size || size > Number.MAX_SAFE_INTEGER / 2) return randomSampler.propose(view, random);
    return { point: space.gridPoint(strided(index, size), levels), by: 'grid' };
  }
}

/** Number `index` of a walk over 0 … size−1 by a stride of about the golden ratio that shares no factor with the size. */
function strided(index: number, size: number): number {
  let stride = Math.max(1, Math.round(size * 0.618));
  while (greatestCommonDivisor(stride, size) !== 1) stride++;
  return Number((BigInt(index) * BigInt(stride)) % BigInt(size));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

export const grid: SamplerKind = {
  name: 'grid',
  description: 'all values, those of ranges as finely as the trials allow',
  create: ({ maxTrials }) => new GridSampler(maxTrials),
};
