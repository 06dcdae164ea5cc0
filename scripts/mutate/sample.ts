/** Which mutants are tried: the same for a seed on every machine, and for the rest of a folder when a line of it changes. */
import { createHash } from 'node:crypto';
import type { Mutant } from './mutants.ts';

/**
 * The mutants in the order in which they are drawn, none twice. Each has its place by a hash of the seed and of itself, so
 * that an edit elsewhere does not deal the cards anew.
 */
export function drawn(mutants: readonly Mutant[], seed: number): Mutant[] {
  const seen = new Map<string, number>();
  return mutants
    .map((mutant) => {
      const name = JSON.stringify([mutant.file, mutant.before, mutant.after]);
      const earlier = seen.get(name) ?? 0;
      seen.set(name, earlier + 1);
      return { mutant, place: createHash('sha256').update(`${seed}\n${name}\n${earlier}`).digest('hex') };
    })
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ mutant }) => mutant);
}
