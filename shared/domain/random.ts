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

/** A linear congruential generator (Press et al., "Numerical Recipes in C", 1992, section 7.1): for values that need only differ. */
export function congruential32(state: number): () => number {
  let now = state >>> 0;
  return () => {
    now = (Math.imul(now, 1_664_525) + 1_013_904_223) >>> 0;
    return now;
  };
}
