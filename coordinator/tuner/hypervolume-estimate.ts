/**
 * How much hypervolume a point adds, estimated: with four and more values the exact one takes a time that grows
 * exponentially with their number. What only the point dominates is seen from it along rays: each ends at the reference,
 * or where another point dominates too. The mean of the lengths to the power of the number of values is proportional to
 * the volume (Shang, Ishibuchi, Ni: "R2-based hypervolume contribution approximation", IEEE Transactions on Evolutionary
 * Computation 24(1), 2020, who find it closer than drawing points in the box: rays see small volumes as well as large).
 */
import type { Point } from '@edgetune/shared/domain/dominance.ts';
import { keyedRandom } from '@edgetune/shared/math/random.ts';

/** Their study's 100, and a little more. */
const LEAST_RAYS = 120;

interface Rays {
  count: number;
  /** One ÷ the components of each ray's direction. */
  inverse: Float64Array;
  /** Sum of the lengths of all rays, to the power, where nothing ends them but the reference. */
  whole: number;
}

/** By the number of values. Always the same rays: what is compared is seen along the same ones. */
const known = new Map<number, Rays>();

function raysOf(values: number): Rays {
  const rays = known.get(values) ?? drawnRays(values);
  known.set(values, rays);
  return rays;
}

/** Directions spread evenly over the positive orthant, each with its turns, so that no value is favoured. */
function drawnRays(values: number): Rays {
  const random = keyedRandom(values);
  const count = Math.ceil(LEAST_RAYS / values) * values;
  const inverse = new Float64Array(count * values);
  let whole = 0;
  for (let ray = 0; ray < count; ray += values) {
    const drawn = Array.from({ length: values }, () => Math.max(1e-9, Math.abs(random.normal())));
    const length = Math.hypot(...drawn);
    for (let turn = 0; turn < values; turn++)
      for (let i = 0; i < values; i++)
        inverse[(ray + turn) * values + i] = length / (drawn[(i + turn) % values] as number);
    whole += values * (length / Math.max(...drawn)) ** values;
  }
  return { count, inverse, whole };
}

/** What `point` dominates up to the reference and none of `others` does, about. */
export function estimatedGain(point: Point, others: readonly Point[], reference: Point): number {
  const values = reference.length;
  const box = reference.map((limit, i) => limit - (point[i] as number));
  if (box.some((side) => !(side > 0))) return 0;
  const near = othersInBox(point, others, box);
  const { count, inverse, whole } = raysOf(values);
  let sum = 0;
  for (let ray = 0; ray < count; ray++) {
    const from = ray * values;
    let end = Infinity;
    for (let i = 0; i < values; i++) end = Math.min(end, inverse[from + i] as number);
    for (let at = 0; at < near.length && end > 0; at += values) {
      let dominated = -Infinity;
      for (let i = 0; i < values && dominated < end; i++)
        dominated = Math.max(dominated, (near[at + i] as number) * (inverse[from + i] as number));
      end = Math.min(end, dominated);
    }
    if (end > 0) sum += end ** values;
  }
  return (sum / whole) * box.reduce((product, side) => product * side, 1);
}

/** Those that dominate some of the box between point and reference, as shares of its sides. */
function othersInBox(point: Point, others: readonly Point[], box: readonly number[]): Float64Array {
  const values = box.length;
  const near = new Float64Array(others.length * values);
  let size = 0;
  for (const other of others) {
    let isInside = true;
    for (let i = 0; i < values && isInside; i++) {
      const share = ((other[i] as number) - (point[i] as number)) / (box[i] as number);
      near[size + i] = share;
      isInside = share < 1;
    }
    if (isInside) size += values;
  }
  return near.subarray(0, size);
}
