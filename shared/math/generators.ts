/** Generators of 32 bits a call: the same state gives the same stream. Who uses one says what its numbers stand for. */

/** `mulberry32` (Tommy Ettinger 2017, public domain): period 2³², for data, shuffling and noise. */
export function mulberry32(state: number): () => number {
  let now = state | 0;
  return () => {
    now = (now + 0x6d2b79f5) | 0;
    let mixed = Math.imul(now ^ (now >>> 15), now | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/**
 * A linear congruential generator (Press et al., "Numerical Recipes in C", 1992, section 7.1): for values that need
 * only differ.
 */
export function congruential32(state: number): () => number {
  let now = state >>> 0;
  return () => {
    now = (Math.imul(now, 1_664_525) + 1_013_904_223) >>> 0;
    return now;
  };
}

/**
 * `sfc32` (Chris Doty-Humphrey, PractRand): period of at least 2³², about 2¹²⁷ on average. Its first 12 numbers, which
 * still look like the state, are left out.
 */
export function sfc32(first: number, second: number, third: number): () => number {
  let [a, b, c, counter] = [first | 0, second | 0, third | 0, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}
