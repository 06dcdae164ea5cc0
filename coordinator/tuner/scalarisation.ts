/** One number of several objectives. Smaller is better everywhere. */
/** For each value its least and largest among `points` (the ideal and the worst). */
export function boundsOf(points: readonly (readonly number[])[]): [low: number, high: number][] {
  return (points[0] ?? []).map((_, i) => {
    let [low, high] = [Infinity, -Infinity];
    for (const point of points) {
      low = Math.min(low, point[i] as number);
      high = Math.max(high, point[i] as number);
    }
    return [low, high];
  });
}

/**
 * The augmented Chebyshev distance from the ideal (Steuer and Choo 1983; ρ as in ParEGO, Knowles 2006): the largest
 * weighted loss, each scaled to its bounds, plus a twentieth of their sum.
 */
export function chebyshev(
  losses: readonly number[],
  bounds: readonly [number, number][],
  weights?: readonly number[],
): number {
  let [largest, sum] = [0, 0];
  for (const [i, [low, high]] of bounds.entries()) {
    const term = ((weights?.[i] ?? 1) * ((losses[i] as number) - low)) / (high - low || 1);
    largest = Math.max(largest, term);
    sum += term;
  }
  return largest + 0.05 * sum;
}
