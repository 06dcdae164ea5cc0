/**
 * NSGA-II (Deb et al. 2002) one child at a time: the population is the best of what was seen (non-domination rank,
 * then hypervolume contribution instead of crowding), parents by binary tournament, simulated binary crossover and
 * polynomial mutation; choices are taken from either parent or drawn anew.
 */
import type { Random } from '@edgetune/shared/math/random.ts';
import type { SpacePoint } from '../../space.ts';
import { modelledLevel } from '../modelled-level.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { crossed, mutated } from './variation.ts';

const POPULATION = 50;
const STARTUP = 20;
const CROSSOVER_SHARE = 0.9;

export class Nsga2Sampler implements Sampler {
  readonly #startup: Sampler;

  constructor(startup: Sampler) {
    this.#startup = startup;
  }

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history } = view;
    const level = modelledLevel(history, STARTUP);
    if (level < 0) return this.#startup.propose(view, random);
    const population = (history.levels[level] as (typeof history.levels)[number]).top(POPULATION);
    // The population is in order of merit: the smaller index wins the tournament.
    const parent = () =>
      population[Math.min(random.below(population.length), random.below(population.length))]?.point as SpacePoint;
    const [first, second] = [parent(), parent()];
    const crossing = random.uniform() < CROSSOVER_SHARE;
    const rate = (1 + view.attempt) / space.dimensions.length;
    const point = space.dimensions.map(({ choices }, at) => {
      const [a, b] = [known(first[at], choices, random), known(second[at], choices, random)];
      const mutates = random.uniform() < rate;
      if (choices > 0) return mutates ? random.below(choices) : crossing && random.uniform() < 0.5 ? b : a;
      const child = crossing && random.uniform() < 0.5 ? crossed(a, b, random) : a;
      return mutates ? mutated(child, random) : child;
    });
    return { point, by: 'nsga2' };
  }
}

/** A parent's coordinate, or a random one where the parameter was inactive. */
function known(coordinate: number | undefined, choices: number, random: Random): number {
  if (coordinate !== undefined && !Number.isNaN(coordinate)) return coordinate;
  return choices > 0 ? random.below(choices) : random.uniform();
}

export const nsga2: SamplerKind = {
  name: 'nsga2',
  description: 'a genetic algorithm for several objectives (Deb et al. 2002)',
  create: ({ startup }) => new Nsga2Sampler(startup),
};
