/** Work at several places at once. */

/**
 * Gives each item to a place as soon as one is free, in order; none after the signal.
 * @returns the results in the order of the items, without those that were not begun
 * @throws what the first failing item throws, when what was begun has ended
 */
export async function sideBySide<Item, Place, Result>(
  items: readonly Item[],
  places: readonly Place[],
  signal: AbortSignal,
  work: (item: Item, place: Place) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<number, Result>();
  const queue = [...items.entries()];
  let failure: { error: unknown } | null = null;
  const at = async (place: Place) => {
    while (failure === null && !signal.aborted) {
      const next = queue.shift();
      if (next === undefined) return;
      try {
        results.set(next[0], await work(next[1], place));
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(places.map(at));
  if (failure !== null) throw (failure as { error: unknown }).error;
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result);
}
