import { type Point, paretoFront } from '@edgetune/shared/domain/dominance.ts';
import { hypervolume, referencePoint } from './pareto.ts';

/**
 * The hypervolume after each point, in the order in which they were found. Points are minimised; a point that does not
 * count (infeasible, failed) is null and leaves the value as it was.
 * @param reference absent: slightly worse than the worst values among the points
 */
export function hypervolumeHistory(points: readonly (Point | null)[], reference?: Point): number[] {
  const against = reference ?? referencePoint(points.filter((point) => point !== null));
  let [front, volume]: [Point[], number] = [[], 0];
  return points.map((point) => {
    if (point === null) return volume;
    const grown = [...front, point];
    const members = paretoFront(grown).map((index) => grown[index] as Point);
    if (members.includes(point)) volume = hypervolume(members, against);
    front = members;
    return volume;
  });
}
