/** Looks for the largest acquisition: spread points, then ever smaller changes of good points. */
import type { Random } from '@edgetune/shared/math/random.ts';
import type { Space, SpacePoint } from '../../space.ts';
import type { Acquisition } from './acquisition.ts';
import { type Effort, LEADERS } from './effort.ts';

interface Found {
  point: number[];
  value: number;
}

/**
 * A point of about the largest acquisition.
 * @param best good points, to search around
 */
export function maximised(
  space: Space,
  acquisition: Acquisition,
  best: readonly SpacePoint[],
  { spread, refinements }: Pick<Effort, 'spread' | 'refinements'>,
  random: Random,
): number[] {
  const leaders: Found[] = [];
  for (let i = 0; i < spread; i++) {
    const center = best[i % (2 * best.length)];
    const point = center
      ? changed(space, center, 0.3 * 10 ** (-2 * random.uniform()), random)
      : space.randomPoint(random);
    const value = acquisition(space.snapped(point), leaders[LEADERS - 1]?.value ?? -Infinity);
    const place = leaders.findIndex((leader) => value > leader.value);
    if (place >= 0) leaders.splice(place, 0, { point, value });
    else if (leaders.length < LEADERS) leaders.push({ point, value });
    if (leaders.length > LEADERS) leaders.pop();
  }
  for (const leader of leaders)
    for (let i = 0; i < refinements; i++) {
      const point = changed(space, leader.point, 0.15 * 0.005 ** (i / refinements) + 0.001, random);
      const value = acquisition(space.snapped(point), leader.value);
      if (value > leader.value) Object.assign(leader, { point, value });
    }
  return leaders.reduce((a, b) => (b.value > a.value ? b : a)).point;
}

/** A point with some coordinates moved by a normal step (or another choice taken). */
export function changed(space: Space, center: SpacePoint, step: number, random: Random): number[] {
  const rate = Math.max(1.5 / space.dimensions.length, random.uniform());
  return space.dimensions.map(({ choices }, at) => {
    const x = center[at] as number;
    if (Number.isNaN(x)) return choices > 0 ? random.below(choices) : random.uniform();
    if (random.uniform() > rate) return x;
    if (choices > 0) return random.uniform() < 0.3 ? random.below(choices) : x;
    return Math.min(1, Math.max(0, x + step * random.normal()));
  });
}
