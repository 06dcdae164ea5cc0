/** A sampler proposes points of the space; it never decides budgets. It keeps no state but what can be recomputed. */

import type { Part } from '@edgetune/shared/domain/part.ts';
import type { Random } from '@edgetune/shared/math/random.ts';
import type { History } from '../history.ts';
import type { Space } from '../space.ts';

export interface Proposal {
  /** A coordinate for every dimension (those of inactive parameters are ignored). */
  point: number[];
  /** Which part of the sampler proposed it. */
  by: string;
}

export interface SamplerView {
  readonly space: Space;
  readonly history: History;
  /** Trials started before this one. */
  readonly started: number;
  /** Observations of the whole study: also those of earlier searches, which are not in the history. */
  readonly observed: number;
  /** Proposals for this ask that were candidates already tried, or worse in feasibility than another one. */
  readonly attempt: number;
  /** Level of the ladder at which the new trial starts. */
  readonly level: number;
}

export interface Sampler {
  /** Must depend on nothing but its arguments: a restored tuner proposes the same. */
  propose(view: SamplerView, random: Random): Proposal;
}

/** What a sampler is made for: the search of one problem. */
export interface SamplerSetting {
  seed: number;
  /** Trials that the problem starts at most. */
  maxTrials: number;
  /** Number of objectives. */
  objectives: number;
  /** Whether a candidate's time counts: the study ends by what its trials cost, or as soon as it can. */
  weighsTime: boolean;
  /** Spreads candidates evenly over the space: for as long as a model has too few observations. */
  startup: Sampler;
}

/** A sampler that a study can name. */
export interface SamplerKind extends Part {
  create(setting: SamplerSetting): Sampler;
  /**
   * It commits itself to what it has found, so that a search that is stuck is begun anew. Absent: no; the samplers of
   * others run as they were published.
   */
  readonly commits?: true;
}
