/**
 * Tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, mixed and conditional, for one and several
 * objectives (MOTPE). Defaults of Optuna where nothing else is said: 10 random points first, 24 candidates, the best
 * min(⌈0.1 n⌉, 25) are good.
 */
import type { Random } from '@edgetune/shared/math/random.ts';
import type { Space } from '../../space.ts';
import { modelledLevel } from '../modelled-level.ts';
import type { Proposal, Sampler, SamplerView } from '../sampler.ts';
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
        widths: widths(space, goodPoints.length),
      }),
      bad: new ParzenMixture(space, {
        points: bad,
        weights: bad.map(() => 1),
        priorWeight: 1,
        widths: widths(space, bad.length),
      }),
    };
    return this.#model;
  }
}

/** Scott's rule as Optuna's multivariate TPE takes it; on choices the mass of one flat observation. */
function widths(space: Space, count: number): number[] {
  const active = space.dimensions.length;
  const scott = 0.2 * Math.max(count, 1) ** (-1 / (active + 4));
  return space.dimensions.map(({ choices, count: values }) =>
    choices > 0
      ? Math.min(0.9, choices / (count + choices))
      : Math.max(scott, Number.isFinite(values) ? 0.5 / values : 0),
  );
}
