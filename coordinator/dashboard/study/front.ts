/** The Pareto front of two quantities among the points of a plot. */
export interface PlotPoint {
  trialId: number;
  x: number;
  y: number;
  feasible: boolean;
  /** On the front of the study's own objectives, over all devices. */
  onFront: boolean;
  predicted: boolean;
  label: string;
}

/** Feasible points that no other one beats, larger `y` and smaller (or larger) `x` being better; sorted by `x`. */
export function frontOf(points: readonly PlotPoint[], smallerX: boolean): PlotPoint[] {
  const sign = smallerX ? 1 : -1;
  const sorted = points.filter(({ feasible }) => feasible).sort((a, b) => sign * (a.x - b.x) || b.y - a.y);
  const front: PlotPoint[] = [];
  for (const point of sorted) if (point.y > (front.at(-1)?.y ?? -Infinity)) front.push(point);
  return front.sort((a, b) => a.x - b.x);
}
