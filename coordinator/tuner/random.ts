/** Random numbers keyed by whole numbers: the same keys give the same stream, whatever was drawn before. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number;
  /** Uniform among 0 … count−1. */
  below(count: number): number;
  /** Standard normal. */
  normal(): number;
}

/** MurmurHash3's finaliser: spreads neighbouring keys over all 32 bits. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A stream for these keys (such as seed and ask number). The generator is sfc32 (C. Doty-Humphrey, PractRand),
 * its state a hash of the keys.
 */
export function keyedRandom(...keys: number[]): Random {
  let [a, b, c, counter] = [0x9e3779b9 | 0, 0x243f6a88 | 0, 0xb7e15162 | 0, 1];
  for (const key of keys) {
    a = mix(a ^ (key | 0));
    b = mix(b ^ a ^ Math.floor(key / 2 ** 32));
    c = mix(c + b);
  }
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
  return {
    uniform,
    below: (count) => Math.floor(uniform() * count),
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}
