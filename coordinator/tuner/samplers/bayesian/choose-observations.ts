import type { History } from '../../history.ts';
import type { Observation } from '../../observation.ts';

/**
 * The observations that the model is made of, from the highest level down: of each the best and an even choice of the
 * rest. Half of the room that is left is for the levels below, as far as they fill it.
 */
export function chosenObservations({ levels, size }: History, most: number): Observation[] {
  const chosen: Observation[] = [];
  let below = size;
  for (const ranking of [...levels].reverse()) {
    below -= ranking.size;
    const left = most - chosen.length;
    const room = Math.min(ranking.size, Math.max(Math.ceil(left / 2), left - below));
    const all = ranking.all();
    const best = all.slice(0, Math.ceil(room / 2));
    const rest = all.slice(best.length);
    const count = room - best.length;
    chosen.push(...best);
    for (let i = 0; i < count; i++) chosen.push(rest[Math.floor((i * rest.length) / count)] as Observation);
  }
  return chosen;
}
