/** How long nothing better has been found. */
import { dominates } from '@edgetune/shared/domain/dominance.ts';
import type { Observation } from './observation.ts';

export class Progress {
  #front: (readonly number[])[] = [];
  #told = 0;
  #sinceImprovement = 0;

  /** Reports in all. */
  get told(): number {
    return this.#told;
  }
  /** Reports since one improved the front: since the hypervolume grew, whatever its reference. */
  get sinceImprovement(): number {
    return this.#sinceImprovement;
  }

  report(observation: Observation) {
    this.#told++;
    this.#sinceImprovement++;
    this.learned(observation);
  }

  /** Looks at losses: of a report, or amended. */
  learned({ losses, violation }: Observation) {
    if (violation > 0) return;
    if (this.#front.some((member) => dominates(member, losses) || member.every((value, i) => value === losses[i])))
      return;
    this.#front = [...this.#front.filter((member) => !dominates(losses, member)), losses];
    this.#sinceImprovement = 0;
  }
}
