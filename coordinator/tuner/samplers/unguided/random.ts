import type { Sampler, SamplerKind } from '../sampler.ts';

/** Uniform over the space. */
export const randomSampler: Sampler = {
  propose: ({ space }, random) => ({ point: space.randomPoint(random), by: 'random' }),
};

export const random: SamplerKind = {
  name: 'random',
  description: 'uniform over the space',
  create: () => randomSampler,
};
