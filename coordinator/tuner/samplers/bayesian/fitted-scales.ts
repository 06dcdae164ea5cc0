import type { History } from '../../history.ts';
import type { Observation } from '../../observation.ts';
import type { SpacePoint } from '../../space.ts';
import { fitScales } from './fit-scales.ts';
import { type PointSet, pointSet, type Scales } from './gaussian-process.ts';
import { STARTUP } from './standardise.ts';

/** Observations that the scales are fitted to at most. */
const MOST_FITTED = 60;
/** The scales are fitted anew whenever there are so many times as many observations. */
const FIT_GROWTH = 1.35;

/**
 * The scales of each process, fitted to the first observations of the history up to a number that grows by steps: a fit
 * serves many asks, and depends on nothing but the history, so that a restored tuner finds the same.
 */
export class FittedScales {
  #set: Observation[] = [];
  #points: PointSet = pointSet([], new Uint8Array());
  readonly #known = new Map<string, Scales>();

  update({ inOrder }: History, at: (observation: Observation) => SpacePoint, choices: Uint8Array) {
    let count = STARTUP;
    while (Math.ceil(count * FIT_GROWTH) <= inOrder.length) count = Math.ceil(count * FIT_GROWTH);
    const used = Math.min(count, MOST_FITTED);
    const set = Array.from({ length: used }, (_, i) => inOrder[Math.floor((i * count) / used)] as Observation);
    if (set.length === this.#set.length && set.every((observation, i) => observation === this.#set[i])) return;
    this.#set = set;
    this.#points = pointSet(set.map(at), choices);
    this.#known.clear();
  }

  of(process: string, valuesOf: (set: readonly Observation[]) => number[]): Scales {
    const scales = this.#known.get(process) ?? fitScales(this.#points, Float64Array.from(valuesOf(this.#set)));
    this.#known.set(process, scales);
    return scales;
  }
}
