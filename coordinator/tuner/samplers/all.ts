/** The samplers that there are. A new one is one more line here. */
import { auto } from './auto.ts';
import { bayesian } from './bayesian/bayesian.ts';
import { dehb } from './evolution/dehb.ts';
import { nsga2 } from './evolution/nsga2.ts';
import { bohb } from './parzen/bohb.ts';
import { motpe, tpe } from './parzen/tpe.ts';
import type { SamplerKind } from './sampler.ts';
import { grid } from './unguided/grid.ts';
import { quasiRandom } from './unguided/quasi-random.ts';
import { random } from './unguided/random.ts';

export const SAMPLERS: readonly SamplerKind[] = [
  auto,
  random,
  quasiRandom,
  grid,
  bayesian,
  tpe,
  bohb,
  motpe,
  nsga2,
  dehb,
];
