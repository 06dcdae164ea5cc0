/** The good and the bad observations that Parzen samplers compare. */
import type { History } from '../../history.ts';
import type { Observation } from '../../observation.ts';
import { hypervolumeContributions, referencePoint } from '../../pareto.ts';
import type { SpacePoint } from '../../space.ts';

export interface Split {
  good: readonly Observation[];
  bad: readonly SpacePoint[];
}

/** Bad observations used at most: more cost time and change the density little. */
const MOST_BAD = 120;

/**
 * The best `goodCount` of a level, and of the rest an even choice over the ranks; what is being trained counts as bad,
 * so that parallel asks spread.
 */
export function splitLevel(history: History, level: number, goodCount: number): Split {
  const ranking = history.levels[level] as History['levels'][number];
  const good = ranking.top(goodCount);
  const chosen = new Set(good);
  const all = ranking.all();
  const rest = history.objectives === 1 ? all : all.filter((observation) => !chosen.has(observation));
  const from = history.objectives === 1 ? good.length : 0;
  const count = rest.length - from;
  const bad: SpacePoint[] = [];
  for (let i = 0; i < Math.min(count, MOST_BAD); i++)
    bad.push((rest[from + Math.floor((i * count) / Math.min(count, MOST_BAD))] as Observation).point);
  bad.push(...history.pending.values());
  return { good, bad };
}

/**
 * Weights of good observations (Ozaki et al., MOTPE, JAIR 2022): with several objectives a feasible one weighs by its
 * hypervolume contribution relative to the largest; otherwise all weigh 1.
 */
export function goodWeights(good: readonly Observation[]): number[] {
  const feasible = good.filter(({ violation }) => violation === 0);
  if (feasible.length < 2 || (feasible[0] as Observation).losses.length === 1) return good.map(() => 1);
  const losses = feasible.map((observation) => observation.losses);
  const gains = hypervolumeContributions(losses, referencePoint(losses));
  const largest = Math.max(...gains);
  const weightOf = new Map(
    feasible.map((observation, i) => [observation, largest > 0 ? (gains[i] as number) / largest : 1]),
  );
  return good.map((observation) => Math.max(0.05, weightOf.get(observation) ?? 0.05));
}
