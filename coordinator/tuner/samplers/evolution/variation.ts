/** How a child's coordinate comes of its parents': simulated binary crossover and polynomial mutation, within [0, 1]. */
import type { Random } from '@edgetune/shared/math/random.ts';

/** Distribution indices, as in NSGA-II's paper (Deb et al. 2002): the larger, the nearer children are. */
const CROSSOVER_INDEX = 20;
const MUTATION_INDEX = 20;

const inUnit = (x: number) => Math.min(1, Math.max(0, x));

/** One of the two children of simulated binary crossover (Deb and Agrawal 1995). */
export function crossed(a: number, b: number, random: Random): number {
  const u = random.uniform();
  const power = 1 / (CROSSOVER_INDEX + 1);
  const beta = u < 0.5 ? (2 * u) ** power : (1 / (2 * (1 - u))) ** power;
  const side = random.uniform() < 0.5 ? 1 : -1;
  return inUnit(((1 + side * beta) * a + (1 - side * beta) * b) / 2);
}

/** Polynomial mutation (Deb and Goyal 1996). */
export function mutated(x: number, random: Random): number {
  const u = random.uniform();
  const power = 1 / (MUTATION_INDEX + 1);
  return inUnit(x + (u < 0.5 ? (2 * u) ** power - 1 : 1 - (2 * (1 - u)) ** power));
}
