/** Seeded noise of a simulated board: the same seed gives the same runs. */
import { createHash } from 'node:crypto';
import { mulberry32 } from '@edgetune/shared/math/generators.ts';
import { type Random, variates } from '@edgetune/shared/math/random.ts';

/** A stream seeded from any text by SHA-256; its uniform numbers are never 0. */
export function randomFrom(seed: string): Random {
  const bits = mulberry32(createHash('sha256').update(seed).digest().readUInt32LE(0));
  const uniform = () => (bits() + 0.5) / 2 ** 32;
  return variates(uniform, uniform);
}
