/**
 * BOHB's sampler (Falkner, Klein, Hutter, ICML 2018): kernel densities of the best 15 % and of the rest at the largest
 * budget that has enough observations; 64 samples around good points with bandwidths widened by 3; a third of the
 * candidates is random.
 */

import type { Random } from '@edgetune/shared/math/random.ts';
import type { Observation } from '../../observation.ts';
import type { SpacePoint } from '../../space.ts';
import { modelledLevel } from '../modelled-level.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { randomSampler } from '../unguided/random.ts';
import { normalReferenceWidths } from './bandwidths.ts';
import { ParzenMixture } from './parzen.ts';
import { splitLevel } from './split.ts';

const TOP_SHARE = 0.15;
const SAMPLES = 64;
const RANDOM_SHARE = 1 / 3;
const WIDENING = 3;

interface Model {
  revision: number;
  proposals: ParzenMixture;
  good: ParzenMixture;
  bad: ParzenMixture;
}

export class BohbSampler implements Sampler {
  #model: Model | null = null;

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history, attempt } = view;
    const least = space.dimensions.length + 1;
    // Both densities need points of their own.
    const level = modelledLevel(history, least + 2);
    if (level < 0 || attempt >= 8 || random.uniform() < RANDOM_SHARE) return randomSampler.propose(view, random);
    const { proposals, good, bad } = this.#modelOf(view, level, least);
    let [best, score]: [number[], number] = [[], -Infinity];
    for (let i = 0; i < Math.max(1, SAMPLES >> attempt); i++) {
      const point = proposals.sample(random);
      const snapped = space.snapped(point);
      const ratio = good.logDensity(snapped) - bad.logDensity(snapped);
      if (ratio > score || i === 0) [best, score] = [point, ratio];
    }
    return { point: best, by: 'bohb' };
  }

  #modelOf({ space, history }: SamplerView, level: number, least: number): Model {
    if (this.#model?.revision === history.revision) return this.#model;
    const size = (history.levels[level] as (typeof history.levels)[number]).size;
    const { good, bad } = splitLevel(
      history,
      level,
      Math.max(Math.min(least, size >> 1), Math.floor(TOP_SHARE * size)),
    );
    const goodPoints = good.map(({ point }: Observation) => point);
    const widths = normalReferenceWidths(space, goodPoints);
    const mixture = (points: readonly SpacePoint[], of: readonly number[]) =>
      new ParzenMixture(space, { points, weights: points.map(() => 1), priorWeight: 0, widths: of });
    this.#model = {
      revision: history.revision,
      proposals: mixture(
        goodPoints,
        space.dimensions.map(({ choices }, at) => (choices > 0 ? 1 : WIDENING) * (widths[at] as number)),
      ),
      good: mixture(goodPoints, widths),
      bad: mixture(bad, normalReferenceWidths(space, bad)),
    };
    return this.#model;
  }
}

export const bohb: SamplerKind = {
  name: 'bohb',
  description: 'kernel densities of good and bad candidates (Falkner et al. 2018)',
  create: () => new BohbSampler(),
};
