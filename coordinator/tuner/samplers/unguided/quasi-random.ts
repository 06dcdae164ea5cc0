/** Halton's sequence with random digit permutations (Halton 1960; scrambling as in Braaten and Weller 1979). */
import { keyedRandom } from '@edgetune/shared/math/random.ts';
import type { Space } from '../../space.ts';
import type { Proposal, Sampler, SamplerKind, SamplerView } from '../sampler.ts';
import { randomSampler } from './random.ts';

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** A permutation of 0 … base−1 for each prime, fixed by the seed. 0 is moved, too: its digits go on for ever. */
function permutations(seed: number, count: number): number[][] {
  return primes(count).map((base) => {
    const random = keyedRandom(seed, base, 0x4a17);
    const digits = Array.from({ length: base }, (_, digit) => digit);
    for (let last = base - 1; last > 0; last--) {
      const other = random.below(last + 1);
      [digits[last], digits[other]] = [digits[other] as number, digits[last] as number];
    }
    return digits;
  });
}

/** The radical inverse of `index`, its digits permuted by `digits` (as many as the base), to 40 bits. */
export function radicalInverse(index: number, digits: readonly number[]): number {
  const base = digits.length;
  let [rest, value, scale] = [index, 0, 1 / base];
  while (scale > 1e-12) {
    value += (digits[rest % base] as number) * scale;
    rest = Math.floor(rest / base);
    scale /= base;
  }
  return Math.min(value, 1 - 1e-12);
}

export class QuasiRandomSampler implements Sampler {
  readonly #seed: number;
  readonly #digits = new WeakMap<Space, number[][]>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A candidate already tried is followed by random ones: the sequence must not run ahead of the trials. */
  propose(view: SamplerView, random: Parameters<Sampler['propose']>[1]): Proposal {
    if (view.attempt > 0) return randomSampler.propose(view, random);
    const { space, started } = view;
    const digits = this.#digits.get(space) ?? permutations(this.#seed, space.dimensions.length);
    this.#digits.set(space, digits);
    const point = space.dimensions.map(({ choices }, at) => {
      const u = radicalInverse(started + 1, digits[at] as number[]);
      return choices > 0 ? Math.floor(u * choices) : u;
    });
    return { point, by: 'quasi-random' };
  }
}

export const quasiRandom: SamplerKind = {
  name: 'quasi-random',
  description: "Halton's sequence: as even over the space as any number of trials can be",
  create: ({ seed }) => new QuasiRandomSampler(seed),
};
