/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, mixed and conditional, for one and several
 * objectives (MOTPE). Defaults of Optuna where nothing else is said: 10 random points first, 24 candidates, the best
 * min(⌈0.1 n⌉, 25) are good.
 */
import type { Random } from '@edgetune/shared/math/random.ts';
import { modelledLevel } from '../modelled-level.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { scottWidths } from './bandwidths.ts';
import { ParzenMixture } from './parzen.ts';
import { goodWeights, splitLevel } from './split.ts';

const STARTUP = 10;
const CANDIDATES = 24;

interface Model {
  revision: number;
  good: ParzenMixture;
  bad: ParzenMixture;
}

export class TpeSampler implements Sampler {
  readonly #startup: Sampler;
  readonly #name: string;
  #model: Model | null = null;

  constructor(name: string, startup: Sampler) {
    this.#name = name;
    this.#startup = startup;
  }

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history, attempt } = view;
    const level = modelledLevel(history, STARTUP);
    if (level < 0) return this.#startup.propose(view, random);
    const { good, bad } = this.#modelOf(view, level);
    // In a space that is nearly used up the best candidates were tried: each attempt looks less far for the best.
    const candidates = Math.max(1, CANDIDATES >> attempt);
    if (attempt >= 16) return { point: space.randomPoint(random), by: 'random' };
    let [best, score]: [number[], number] = [[], -Infinity];
    for (let i = 0; i < candidates; i++) {
      const point = good.sample(random);
      const snapped = space.snapped(point);
      const ratio = good.logDensity(snapped) - bad.logDensity(snapped);
      if (ratio > score || i === 0) [best, score] = [point, ratio];
    }
    return { point: best, by: this.#name };
  }

  #modelOf({ space, history }: SamplerView, level: number): Model {
    if (this.#model?.revision === history.revision) return this.#model;
    const size = (history.levels[level] as (typeof history.levels)[number]).size;
    const { good, bad } = splitLevel(history, level, Math.min(Math.ceil(0.1 * size), 25));
    const goodPoints = good.map(({ point }) => point);
    this.#model = {
      revision: history.revision,
      good: new ParzenMixture(space, {
        points: goodPoints,
        weights: goodWeights(good),
        priorWeight: 1,
        widths: scottWidths(space, goodPoints.length),
      }),
      bad: new ParzenMixture(space, {
        points: bad,
        weights: bad.map(() => 1),
        priorWeight: 1,
        widths: scottWidths(space, bad.length),
      }),
    };
    return this.#model;
  }
}

export const tpe: SamplerKind = {
  name: 'tpe',
  description: 'tree-structured Parzen estimator (Bergstra et al. 2011)',
  create: ({ startup }) => new TpeSampler('tpe', startup),
};

export const motpe: SamplerKind = {
  name: 'motpe',
  description: 'the same for several objectives (Ozaki et al. 2022)',
  create: ({ startup }) => new TpeSampler('motpe', startup),
};
