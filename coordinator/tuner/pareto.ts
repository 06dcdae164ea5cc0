/** Hypervolume. Points are lists of values to be minimised, all of one length. */
import { lexicographic, type Point, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { estimatedGain } from './hypervolume-estimate.ts';

/** What points add is exact up to so many values; of more it is estimated, as a decision must not take seconds. */
export const MOST_EXACT = 3;

/**
 * Volume that the points dominate up to `reference` (exact). Points that are not better than the reference in every
 * value add nothing. Two and three values by sweeping; more by the WFG recursion (While, Bradstreet, Barone 2012).
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const inside = points.filter((point) => point.every((value, i) => value < (reference[i] as number)));
  if (inside.length === 0) return 0;
  if (reference.length === 1) return (reference[0] as number) - Math.min(...inside.map((point) => point[0] as number));
  if (reference.length === 2) return sweepArea(inside, reference);
  if (reference.length === 3) return sweepVolume(inside, reference);
  return recursiveVolume(inside, reference);
}

function sweepArea(points: readonly Point[], reference: Point): number {
  let [area, ceiling] = [0, reference[1] as number];
  for (const point of [...points].sort(lexicographic)) {
    const [x, y] = [point[0] as number, point[1] as number];
    if (y >= ceiling) continue;
    area += ((reference[0] as number) - x) * (ceiling - y);
    ceiling = y;
  }
  return area;
}

/** Slices along the third value; the slice's area is kept up to date while points join a staircase. */
function sweepVolume(points: readonly Point[], reference: Point): number {
  const sorted = [...points].sort((a, b) => (a[2] as number) - (b[2] as number));
  const stairs: [x: number, y: number][] = [];
  let [volume, area] = [0, 0];
  for (const [index, point] of sorted.entries()) {
    area += addToStairs(stairs, point[0] as number, point[1] as number, reference);
    const top = sorted[index + 1]?.[2] ?? (reference[2] as number);
    volume += area * (top - (point[2] as number));
  }
  return volume;
}

/** Adds a point to a staircase (x rising, y falling) and returns the area gained. */
function addToStairs(stairs: [x: number, y: number][], x: number, y: number, reference: Point): number {
  let at = 0;
  while (at < stairs.length && (stairs[at] as [number, number])[0] < x) at++;
  let ceiling = at === 0 ? (reference[1] as number) : (stairs[at - 1] as [number, number])[1];
  if (ceiling <= y) return 0;
  let [gained, left, end] = [0, x, at];
  for (; end < stairs.length && (stairs[end] as [number, number])[1] >= y; end++) {
    const [stairX, stairY] = stairs[end] as [number, number];
    gained += (stairX - left) * (ceiling - y);
    [left, ceiling] = [stairX, stairY];
  }
  const right = end < stairs.length ? (stairs[end] as [number, number])[0] : (reference[0] as number);
  gained += (right - left) * (ceiling - y);
  stairs.splice(at, end - at, [x, y]);
  return gained;
}

function recursiveVolume(points: readonly Point[], reference: Point): number {
  const front = paretoFront(points).map((index) => points[index] as Point);
  let volume = 0;
  for (const [index, point] of front.entries()) volume += exclusiveVolume(point, front.slice(index + 1), reference);
  return volume;
}

/** What `point` dominates up to the reference and none of `others` does. */
function exclusiveVolume(point: Point, others: readonly Point[], reference: Point): number {
  const own = point.reduce((product, value, i) => product * Math.max(0, (reference[i] as number) - value), 1);
  if (own === 0) return 0;
  const limited = others.map((other) => other.map((value, i) => Math.max(value, point[i] as number)));
  return own - hypervolume(limited, reference);
}

/**
 * A function that tells how much hypervolume a further point would add to a front of mutually non-dominated points;
 * estimated for more than three values.
 */
export function volumeGain(front: readonly Point[], reference: Point): (point: Point) => number {
  if (reference.length > MOST_EXACT) return (point) => estimatedGain(point, front, reference);
  if (reference.length !== 2) return (point) => Math.max(0, exclusiveVolume(point, front, reference));
  const stairs = [...front].sort(lexicographic) as [number, number][];
  return (point) => areaAbove(stairs, point[0] as number, point[1] as number, reference);
}

/** The area between a point, the reference and a staircase (x rising, y falling). */
function areaAbove(stairs: readonly [x: number, y: number][], x: number, y: number, reference: Point): number {
  const [right, top] = reference as [number, number];
  let [area, left, ceiling] = [0, x, top];
  for (const [stepX, stepY] of stairs) {
    if (ceiling <= y || stepX >= right) break;
    if (stepX > left) {
      area += (stepX - left) * (ceiling - y);
      left = stepX;
    }
    if (stepY < ceiling) ceiling = stepY;
  }
  return ceiling > y && right > left ? area + (right - left) * (ceiling - y) : area;
}

/**
 * For each point the hypervolume that would be lost without it, estimated for more than three values; 0 for dominated
 * and for doubled points.
 */
export function hypervolumeContributions(points: readonly Point[], reference: Point): number[] {
  const front = reference.length === 2 ? paretoFront(points) : [];
  if (front.length > 0 && front.length === points.length) return areaContributions(points, reference);
  return points.map((point, index) => {
    const others = points.filter((_, other) => other !== index);
    if (reference.length > MOST_EXACT) return estimatedGain(point, others, reference);
    return Math.max(0, exclusiveVolume(point, others, reference));
  });
}

/** Of pairs that are all on the front: a point alone has the rectangle between its neighbours. */
function areaContributions(points: readonly Point[], reference: Point): number[] {
  const gains = new Array<number>(points.length).fill(0);
  const front = points
    .map((_, index) => index)
    .filter((index) => (points[index] as Point).every((value, i) => value < (reference[i] as number)))
    .sort((i, j) => lexicographic(points[i] as Point, points[j] as Point));
  for (const [place, index] of front.entries()) {
    const [x, y] = points[index] as [number, number];
    const right = points[front[place + 1] as number]?.[0] ?? (reference[0] as number);
    const above = points[front[place - 1] as number]?.[1] ?? (reference[1] as number);
    gains[index] = (right - x) * (above - y);
  }
  return gains;
}

/**
 * A reference point slightly worse than every point: the worst value plus a tenth of the range
 * (or of its size, where all are equal).
 */
export function referencePoint(points: readonly Point[]): number[] {
  return boundsOf(points).map(([low, high]) => high + 0.1 * (high > low ? high - low : Math.abs(high) || 1));
}

/** For each value its least and largest among `points` (the ideal and the worst). */
export function boundsOf(points: readonly Point[]): [low: number, high: number][] {
  return (points[0] ?? []).map((_, i) => {
    let [low, high] = [Infinity, -Infinity];
    for (const point of points) {
      low = Math.min(low, point[i] as number);
      high = Math.max(high, point[i] as number);
    }
    return [low, high];
  });
}
