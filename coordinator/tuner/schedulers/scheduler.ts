/**
 * A scheduler decides what is done next — a new trial, or an older one at a higher rung — and never which candidate.
 * Its state changes only by `asked`, `told`, `amended` and `raise`; `next` changes nothing.
 */
import type { Part } from '@edgetune/shared/domain/part.ts';
import type { Observation } from '../observation.ts';

export type Step =
  /** Start a new trial whose rung 0 is place `bracket` of the ladder. */
  | { kind: 'start'; bracket: number }
  | { kind: 'promote'; trialId: number }
  /** Nothing until an outstanding ask is told; with none outstanding: nothing ever. */
  | { kind: 'wait' };

/** What the tuner knows when it asks for the next step. */
export interface Situation {
  /** Whether another trial may be started at all. */
  canStart: boolean;
  /** Asks that have not been told. */
  outstanding: number;
}

export interface Scheduler {
  next(situation: Situation): Step;
  asked(trialId: number, rung: number, bracket: number): void;
  told(observation: Observation, rung: number): void;
  amended(before: Observation, after: Observation, rung: number): void;
  /** The ladder has so many places from now on, the new ones above the others: who stands at its old top may go on. */
  raise(levels: number): void;
}

export interface SchedulerOptions {
  /** Number of places on the ladder. */
  levels: number;
  reductionFactor: number;
  /** Number of objectives. */
  objectives: number;
  /** Wait for whole rungs. */
  synchronous: boolean;
  /** Size rungs so that each costs as much as the one below, as measured; else by counting trials. */
  costAware: boolean;
}

/** A scheduler that a study can name. */
export interface SchedulerKind extends Part {
  /** @param options of a ladder of two places at least */
  create(options: SchedulerOptions): Scheduler;
  /** It fills whole rungs: those that were begun would be lost if the search were begun anew. Absent: no. */
  readonly fillsRungs?: true;
}
