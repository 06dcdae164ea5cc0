/**
 * DEHB's evolution (Awad, Mallik, Hutter, IJCAI 2021), one child at a time: mutation rand/1 (0.5) and binomial crossover
 * (0.5) over a population that is the best of the highest level with enough observations. Choices and separate values
 * evolve in [0, 1] and are rounded.
 */
import type { Random } from '@edgetune/shared/math/random.ts';
import type { SpacePoint } from '../../space.ts';
import { modelledLevel } from '../modelled-level.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';

const POPULATION = 20;
const STARTUP = 10;
const MUTATION = 0.5;
const CROSSOVER = 0.5;

export class DehbSampler implements Sampler {
  readonly #startup: Sampler;

  constructor(startup: Sampler) {
    this.#startup = startup;
  }

  propose(view: SamplerView, random: Random): Proposal {
    const { space, history, started } = view;
    const level = modelledLevel(history, STARTUP);
    if (level < 0 || view.attempt >= 8) return this.#startup.propose(view, random);
    const population = (history.levels[level] as (typeof history.levels)[number]).top(POPULATION);
    const member = (index: number) => population[index]?.point as SpacePoint;
    const target = member(started % population.length);
    const [a, b, c] = distinct(population.length, random).map(member) as [SpacePoint, SpacePoint, SpacePoint];
    const certain = random.below(space.dimensions.length);
    const point = space.dimensions.map(({ choices }, at) => {
      const unit = (of: SpacePoint) => {
        const x = of[at] as number;
        if (Number.isNaN(x)) return random.uniform();
        return choices > 0 ? (x + 0.5) / choices : x;
      };
      const mutant = unit(a) + MUTATION * (unit(b) - unit(c));
      const u = at === certain || random.uniform() < CROSSOVER ? mutant : unit(target);
      const inside = u >= 0 && u <= 1 ? u : random.uniform();
      return choices > 0 ? Math.min(choices - 1, Math.floor(inside * choices)) : inside;
    });
    return { point, by: 'dehb' };
  }
}

/** Three different indices below `count` (which is three at least). */
function distinct(count: number, random: Random): [number, number, number] {
  const a = random.below(count);
  const b = (a + 1 + random.below(count - 1)) % count;
  let c = random.below(count);
  while (c === a || c === b) c = (c + 1) % count;
  return [a, b, c];
}

export const dehb: SamplerKind = {
  name: 'dehb',
  description: 'differential evolution over budgets (Awad et al. 2021)',
  create: ({ startup }) => new DehbSampler(startup),
};
