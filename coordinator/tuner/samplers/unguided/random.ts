import type { Sampler } from '../sampler.ts';

/** Uniform over the space. */
export const randomSampler: Sampler = {
  propose: ({ space }, random) => ({ point: space.randomPoint(random), by: 'random' }),
};
