/** Seeded noise of a simulated board: the same seed gives the same runs. */
import { createHash } from 'node:crypto';
import { mulberry32 } from '@edgetune/shared/domain/random.ts';

export interface Random {
  /** Uniform in (0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
}

/** Seeded from any text by SHA-256. */
export function randomFrom(seed: string): Random {
  const bits = mulberry32(createHash('sha256').update(seed).digest().readUInt32LE(0));
  const uniform = () => (bits() + 0.5) / 2 ** 32;
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    exponential: () => -Math.log(uniform()),
  };
}
