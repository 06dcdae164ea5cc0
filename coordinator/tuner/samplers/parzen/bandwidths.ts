/**
 * Widths of the kernels of a Parzen mixture, per dimension: standard deviations, and on choices the mass that is spread
 * over all of them.
 */
import type { Space, SpacePoint } from '../../space.ts';

/** Scott's rule as Optuna's multivariate TPE took it (until version 3); on choices the mass of one flat observation. */
export function scottWidths(space: Space, count: number): number[] {
  const scott = 0.2 * Math.max(count, 1) ** (-1 / (space.dimensions.length + 4));
  return space.dimensions.map(({ choices, count: values }) =>
    choices > 0
      ? Math.min(0.9, choices / (count + choices))
      : Math.max(scott, Number.isFinite(values) ? 0.5 / values : 0),
  );
}

/** No bandwidth of the normal reference rule is smaller: points that agree would leave none. */
const LEAST_WIDTH = 1e-3;

/** The normal reference rule of BOHB, 1.06 σ n^(−1/(4+d)), per dimension over the points where it is active. */
export function normalReferenceWidths(space: Space, points: readonly SpacePoint[]): number[] {
  return space.dimensions.map(({ choices }, at) => {
    const values = points.map((point) => point[at] as number).filter((value) => !Number.isNaN(value));
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
    const width = 1.06 * Math.sqrt(variance) * Math.max(1, values.length) ** (-1 / (4 + space.dimensions.length));
    return Math.max(LEAST_WIDTH, choices > 0 ? Math.min(width, (choices - 1) / choices) : width);
  });
}
