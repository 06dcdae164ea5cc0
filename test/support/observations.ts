/** What the tuner has seen, made up for tests of its parts. */
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import { History } from '../../coordinator/tuner/history.ts';
import type { Observation } from '../../coordinator/tuner/observation.ts';
import type { SamplerView } from '../../coordinator/tuner/samplers/sampler.ts';
import { Space } from '../../coordinator/tuner/space.ts';

/** A feasible observation of trial 0 at the lowest level, unless something else is said. */
export function observed(change: Partial<Observation>): Observation {
  return {
    trialId: 0,
    level: 0,
    point: [],
    losses: [0],
    violation: 0,
    metrics: {},
    pending: [],
    predicted: [],
    status: 'ok',
    cost: 1,
    seconds: 1,
    ...change,
  };
}

/** Numeric dimensions from 0 to 1, and choices of so many values. */
export function spaceOf(floats: number, ...choices: number[]): Space {
  const numbers = Array.from({ length: floats }, (_, i): Parameter => {
    return { name: `x${i}`, level: 'training', type: 'float', min: 0, max: 1, scale: 'linear' };
  });
  const unordered = choices.map((count, i): Parameter => {
    return { name: `c${i}`, level: 'model', type: 'categorical', choices: Array.from({ length: count }, (_, c) => c) };
  });
  return new Space([...numbers, ...unordered]);
}

/** A history of these observations, and the view of it that a sampler is asked with. */
export function viewOf(
  space: Space,
  observations: readonly Observation[],
  { levels = 1, ...change }: Partial<SamplerView> & { levels?: number } = {},
): SamplerView {
  const history = new History(levels, observations[0]?.losses.length ?? 1);
  for (const observation of observations) history.add(observation);
  const count = observations.length;
  return { space, history, started: count, observed: count, attempt: 0, level: 0, ...change };
}
