/** The name that somebody may have meant by one that there is not. */

/**
 * The nearest of the names, for mistakes of typing: a letter too many, missing, wrong or swapped with the next one, in about
 * every third place at most; capitals do not count, and the first letters of a longer name do for it. Null where none is near.
 */
export function nearestName(given: string, names: Iterable<string>): string | null {
  const typed = given.toLowerCase();
  let nearest: { name: string; distance: number } | null = null;
  for (const name of names) {
    const known = name.toLowerCase();
    const most = Math.max(1, Math.floor(known.length / 3));
    const isBeginning = typed.length >= 3 && known.startsWith(typed);
    if (!isBeginning && Math.abs(known.length - typed.length) > most) continue;
    const distance = isBeginning ? Math.min(most, known.length - typed.length) : editDistance(typed, known);
    // Of a name of two letters any other is as near.
    if (distance > most || distance >= known.length - 1) continue;
    if (nearest === null || distance < nearest.distance) nearest = { name, distance };
  }
  return nearest?.name ?? null;
}

/** `; did you mean "x"?` to go after what there is; empty where nothing is near. */
export function didYouMean(given: unknown, names: Iterable<string>): string {
  const nearest = typeof given === 'string' ? nearestName(given, names) : null;
  return nearest === null || nearest === given ? '' : `; did you mean "${nearest}"?`;
}

/** Optimal string alignment: Damerau, "A technique for computer detection and correction of spelling errors", 1964. */
function editDistance(a: string, b: string): number {
  let [before, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + cost,
          isSwapped ? (before[j - 2] as number) + 1 : Infinity,
        ),
      );
    }
    [before, row] = [row, next];
  }
  return row[b.length] as number;
}
