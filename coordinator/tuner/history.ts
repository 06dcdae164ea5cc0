/** What the samplers know: the observations of every level of the ladder, and the points that are being trained. */
import { createRanking, type Observation, type Ranking } from './observation.ts';
import type { SpacePoint } from './space.ts';

export class History {
  readonly objectives: number;
  /** One ranking per level of the ladder, from the lowest. */
  readonly levels: Ranking[];
  /** All observations in the order in which they were told; an amended one stands where it stood. */
  readonly inOrder: Observation[] = [];
  /** Points of the outstanding asks, by trial. */
  readonly pending = new Map<number, SpacePoint>();
  /** Grows with every change: what is computed from the history may be kept until it does. */
  revision = 0;

  constructor(levels: number, objectives: number) {
    this.objectives = objectives;
    this.levels = Array.from({ length: levels }, () => createRanking(objectives));
  }

  /** The ladder has so many levels from now on, the new ones above the others. */
  raise(levels: number) {
    while (this.levels.length < levels) this.levels.push(createRanking(this.objectives));
    this.revision++;
  }

  asked(trialId: number, point: SpacePoint) {
    this.pending.set(trialId, point);
    this.revision++;
  }

  told(trialId: number) {
    this.pending.delete(trialId);
    this.revision++;
  }

  add(observation: Observation) {
    this.levels[observation.level]?.add(observation);
    this.inOrder.push(observation);
    this.revision++;
  }

  replace(before: Observation, after: Observation) {
    this.levels[before.level]?.remove(before);
    this.levels[after.level]?.add(after);
    this.inOrder[this.inOrder.indexOf(before)] = after;
    this.revision++;
  }

  /** Observations of all levels. */
  get size(): number {
    return this.inOrder.length;
  }
}
