/** Pareto fronts. Points are lists of values to be minimised, all of one length. */
export type Point = readonly number[];

/** True where `a` is nowhere worse than `b` and somewhere better. */
export function dominates(a: Point, b: Point): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    if (x > y) return false;
    if (x < y) better = true;
  }
  return better;
}

/** Indices of the points that no other point dominates, in their order. Equal points are all kept. */
export function paretoFront(points: readonly Point[]): number[] {
  // In lexicographic order nothing is dominated by what comes after it, so that comparing with the front is enough.
  const order = points.map((_, index) => index).sort((i, j) => lexicographic(points[i] as Point, points[j] as Point));
  const front: number[] = [];
  if (points[0]?.length === 2) return frontOfTwo(points, order).sort((i, j) => i - j);
  for (const index of order)
    if (!front.some((member) => dominates(points[member] as Point, points[index] as Point))) front.push(index);
  return front.sort((i, j) => i - j);
}

/** In lexicographic order a pair is on the front when its second value is below all before it (or it equals the last). */
function frontOfTwo(points: readonly Point[], order: readonly number[]): number[] {
  const front: number[] = [];
  for (const index of order) {
    const [point, last] = [points[index] as Point, points[front.at(-1) as number]];
    if (!last || (point[1] as number) < (last[1] as number) || lexicographic(point, last) === 0) front.push(index);
  }
  return front;
}

/** Order by the first value, then the second, and so on. */
export function lexicographic(a: Point, b: Point): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}
