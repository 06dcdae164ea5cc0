/**
 * How much each parameter matters: PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023). A parameter matters where its
 * distribution among the best trials differs from its distribution among all: the Pearson divergence of the two
 * one-dimensional densities, as a share of the sum over the parameters.
 */
import type { Candidate, Parameter } from '@edgetune/shared/domain/search-space.ts';
import { normalDensity } from '@edgetune/shared/math/normal.ts';
import { Space } from './space.ts';

/** Share of the trials that count as the best. */
const BEST_SHARE = 0.1;
const LEAST_BEST = 5;
/** Cells of a numeric dimension, over which densities are compared. */
const CELLS = 50;

/**
 * Shares by parameter name, largest first; they sum to 1 (all 0 where nothing differs or fewer than 10 trials are known).
 * @param trials candidates with one value each that is to be minimised, such as their place in the order of preference
 */
export function parameterImportance(
  parameters: readonly Parameter[],
  trials: readonly { candidate: Candidate; value: number }[],
): { name: string; share: number }[] {
  const space = new Space(parameters);
  const sorted = trials.filter(({ value }) => Number.isFinite(value)).sort((a, b) => a.value - b.value);
  const points = sorted.map(({ candidate }) => space.pointOf(candidate));
  const best = points.slice(0, Math.max(LEAST_BEST, Math.ceil(BEST_SHARE * points.length)));
  const divergences = space.dimensions.map(({ name, choices }, at) => {
    if (points.length < 2 * LEAST_BEST) return { name, share: 0 };
    const [p, q] = [best, points].map((set) =>
      density(
        set.map((point) => point[at] as number),
        choices,
      ),
    ) as [number[], number[]];
    return {
      name,
      share: p.reduce((sum, value, cell) => sum + (value - (q[cell] as number)) ** 2 / (q[cell] as number), 0),
    };
  });
  const total = divergences.reduce((sum, { share }) => sum + share, 0);
  return divergences
    .map(({ name, share }) => ({ name, share: total > 0 ? share / total : 0 }))
    .sort((a, b) => b.share - a.share);
}

/** Probability per cell (the last one: inactive), smoothed by Scott's rule, with one observation spread over all. */
function density(values: readonly number[], choices: number): number[] {
  const cells = choices > 0 ? choices : CELLS;
  const mass = new Array<number>(cells + 1).fill(1 / (cells + 1));
  const active = values.filter((value) => !Number.isNaN(value));
  mass[cells] = (mass[cells] as number) + values.length - active.length;
  const mean = active.reduce((sum, value) => sum + value, 0) / Math.max(1, active.length);
  const variance = active.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, active.length);
  const width = Math.max(1 / CELLS, 1.06 * Math.sqrt(variance) * Math.max(1, active.length) ** -0.2);
  for (const value of active) {
    if (choices > 0) mass[value] = (mass[value] as number) + 1;
    else spread(mass, cells, value, width);
  }
  return mass.map((value) => value / (values.length + 1));
}

/** Adds a normal kernel of mass 1, cut off at [0, 1]. */
function spread(mass: number[], cells: number, center: number, width: number) {
  const kernel = Array.from({ length: cells }, (_, cell) => normalDensity(((cell + 0.5) / cells - center) / width));
  const total = kernel.reduce((sum, value) => sum + value, 0);
  for (const [cell, value] of kernel.entries()) mass[cell] = (mass[cell] as number) + value / total;
}
