import type { History } from '../history.ts';

/** The highest level of the ladder with at least `least` observations; −1 where there is none. */
export function modelledLevel(history: History, least: number): number {
  for (let level = history.levels.length - 1; level >= 0; level--)
    if ((history.levels[level] as History['levels'][number]).size >= least) return level;
  return -1;
}
