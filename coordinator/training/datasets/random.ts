/** Seeded random numbers for data and shuffling. */
import { mulberry32 } from '@edgetune/shared/domain/random.ts';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** Standard normal (Box & Muller 1958). */
  normal(): number;
}

/** @param keys any numbers; the same numbers give the same stream, others an unrelated one */
export function createRandom(...keys: readonly number[]): Random {
  let state = 0x9e3779b9;
  for (const key of keys) state = Math.imul(state ^ (key | 0), 0x85ebca6b) ^ (state >>> 13) ^ Math.floor(key / 2 ** 32);
  const bits = mulberry32(state);
  const next = () => bits() / 2 ** 32;
  return {
    next,
    below: (count) => Math.floor(next() * count),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** Puts the values in random order, in place (Fisher & Yates). */
export function shuffle<T extends { [index: number]: number; length: number }>(values: T, random: Random): T {
  for (let last = values.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const kept = values[last] as number;
    values[last] = values[other] as number;
    values[other] = kept;
  }
  return values;
}
