/** Those among the points of a plot that none beats in its two quantities: the study's front is of all its objectives. */
import { paretoFront } from '@edgetune/shared/domain/dominance.ts';

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
  const feasible = points.filter((point) => point.feasible);
  const front = paretoFront(feasible.map(({ x, y }) => [smallerX ? x : -x, -y]));
  return front.map((index) => feasible[index] as PlotPoint).sort((a, b) => a.x - b.x);
}
