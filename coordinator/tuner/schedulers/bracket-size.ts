/** Trials that Hyperband starts in the bracket at place `start` of the ladder (as BOHB counts them). */
export function bracketSize(levels: number, start: number, reductionFactor: number): number {
  const rungs = levels - start;
  return Math.max(1, Math.round(Math.floor(levels / rungs) * reductionFactor ** (rungs - 1)));
}
