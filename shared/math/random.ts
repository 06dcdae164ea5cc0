/** Random numbers keyed by whole numbers: the same keys give the same stream, whatever was drawn before. */
import { mulberry32, sfc32 } from './generators.ts';

export interface Random {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform among 0 … count−1. */
  below(count: number): number;
  /** Standard normal (Box and Muller 1958). */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
}

/**
 * What is drawn from uniform numbers.
 * @param positive the same numbers where 0 may not come out: logarithms are taken of them
 */
export function variates(uniform: () => number, positive = () => 1 - uniform()): Random {
  return {
    uniform,
    below: (count) => Math.floor(uniform() * count),
    normal: () => Math.sqrt(-2 * Math.log(positive())) * Math.cos(2 * Math.PI * uniform()),
    exponential: () => -Math.log(positive()),
  };
}

/** A stream of 53 bits for these keys (such as seed and ask number), from `sfc32`. */
export function keyedRandom(...keys: readonly number[]): Random {
  let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
  for (const key of keys) {
    a = mix(a ^ (key | 0));
    b = mix(b ^ a ^ Math.floor(key / 2 ** 32));
    c = mix(c + b);
  }
  const bits = sfc32(a, b, c);
  return variates(() => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53);
}

/** MurmurHash3's finaliser (Austin Appleby): spreads neighbouring keys over all 32 bits. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** A stream of 32 bits for these keys, from `mulberry32`: half the work a number, for data sets and their order. */
export function keyedRandom32(...keys: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const key of keys) state = Math.imul(state ^ (key | 0), 0x85ebca6b) ^ (state >>> 13) ^ Math.floor(key / 2 ** 32);
  const bits = mulberry32(state);
  return variates(() => bits() / 2 ** 32);
}

/** Puts the values in random order, in place (Fisher and Yates), and returns them. */
export function shuffle<T extends { [index: number]: number; length: number }>(values: T, random: Random): T {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const kept = values[last] as number;
    values[last] = values[other] as number;
    values[other] = kept;
  }
  return values;
}
