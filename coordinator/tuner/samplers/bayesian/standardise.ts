/** Observations as values of mean 0 and variance 1, which Gaussian processes want. */
import type { Observation } from '../../observation.ts';

/** The first trials, spread over the space before any model. */
export const STARTUP = 8;

/**
 * An objective's values with mean 0 and variance 1. What is worse than the median is drawn together logarithmically:
 * how bad the bad ones are must not hide the differences of the good. Where a trial failed it stands among the worst.
 * With several objectives it is the median of the first trials: the later ones crowd at one end of each objective.
 */
export function standardised(observations: readonly Observation[], objective: number): number[] {
  const known = observations.filter(({ losses }) => losses.length > 0);
  const lossOf = ({ losses }: Observation) => losses[objective] as number;
  const values = known.map(lossOf);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const several = (known[0]?.losses.length ?? 1) > 1;
  const range = quantile((several ? earliest(known) : known).map(lossOf), 0.5) - low || 1;
  const drawn = observations.map((observation) => {
    const share = ((observation.losses.length > 0 ? lossOf(observation) : high) - low) / range;
    return share <= 1 ? share : 1 + Math.log(share);
  });
  return normalised(drawn);
}

export function earliest(observations: readonly Observation[]): Observation[] {
  return [...observations].sort((a, b) => a.trialId - b.trialId).slice(0, STARTUP);
}

export function quantile(values: readonly number[], share: number): number {
  const at = Math.min(values.length - 1, Math.floor(share * values.length));
  return [...values].sort((a, b) => a - b)[at] as number;
}

function normalised(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  return values.map((value) => (value - mean) / deviation);
}

/** Violations, drawn together logarithmically; unbounded ones count as the largest. */
export function standardisedViolations(observations: readonly Observation[]): number[] {
  const bounded = observations.map(({ violation }) => violation).filter(Number.isFinite);
  const largest = Math.max(1, ...bounded);
  return normalised(observations.map(({ violation }) => Math.log1p(Math.min(violation, largest) / 0.05)));
}
