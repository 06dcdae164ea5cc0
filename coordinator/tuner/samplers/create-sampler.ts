import type { TunerProblem } from '../tuner.ts';
import { randomSampler } from './random.ts';
import type { Sampler } from './sampler.ts';

/** The sampler of a problem. */
export function createSampler({ settings }: TunerProblem, _objectives: number): Sampler {
  const { sampler } = settings;
  if (sampler === 'auto' || sampler === 'random') return randomSampler;
  throw new RangeError(`the sampler "${sampler}" is not available: use auto or random`);
}
