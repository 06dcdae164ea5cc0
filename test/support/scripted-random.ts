import { type Random, variates } from '@edgetune/shared/math/random.ts';

/** Draws these uniform numbers one after the other, and no more; `left` are those not drawn yet. */
export function scriptedRandom(numbers: readonly number[]): Random & { left: number[] } {
  const left = [...numbers];
  const uniform = () => {
    const next = left.shift();
    if (next === undefined) throw new RangeError(`more than ${numbers.length} numbers were drawn`);
    return next;
  };
  return { ...variates(uniform), left };
}
