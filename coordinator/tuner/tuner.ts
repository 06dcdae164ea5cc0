/**
 * The tuner: ask and tell, pure and seeded. Its state is a function of the problem and of the asks and tells so far;
 * random numbers are keyed by (seed, ask number), so that a restore replays what happened and goes on identically.
 */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { EarlierTrial } from '@edgetune/shared/domain/earlier.ts';
import type { Constraint, Objective } from '@edgetune/shared/domain/objective.ts';
import type { Prefer } from '@edgetune/shared/domain/prefer.ts';
import type { Candidate, Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

/** What is to be tuned. Parameters are those of the levels model, training and system. */
export interface TunerProblem {
  parameters: Parameter[];
  /** In the order of their importance. */
  objectives: Objective[];
  /** What decides which of the front is best, besides the order of the objectives. */
  prefer?: Prefer | undefined;
  constraints: Constraint[];
  /** Names of the study's devices: metrics of a device are told as `latency.p99@NAME`. */
  devices: string[];
  ladder: StudySpec['budget'];
  settings: StudySpec['tuner'];
  /** Candidates to start at most. */
  maxTrials: number;
  /** Wait for whole rungs before promoting (deterministic mode). */
  synchronous: boolean;
  /** When to start and promote nothing more, besides `maxTrials`: by what was told (time and energy are sums of costs). */
  stop?: Partial<Omit<StudySpec['stop'], 'trials'>>;
  /** Trials of earlier studies on the same space (warm start): they inform proposals and nothing else. */
  earlier?: EarlierTrial[];
}

/** The answer to an ask: train this candidate up to this budget. `rung` > 0: resume the trial from its checkpoint. */
export interface Ask {
  /** Number of the ask, from 0. */
  ask: number;
  trialId: number;
  rung: number;
  bracket: number;
  candidate: Candidate;
  budget: Budget;
  /** Which part of the tuner proposed it, such as "initial", "random", "tpe", "promotion". */
  proposedBy: string;
}

/** What came of an ask. */
export interface Tell {
  trialId: number;
  rung: number;
  /** `infeasible`: a constraint cannot be met; `failed`: it crashed; `stopped`: cancelled by a person or the study. */
  status: 'ok' | 'infeasible' | 'failed' | 'stopped';
  /** True where it failed for reasons of the machine, which say nothing of the candidate. Absent: no. */
  crashed?: boolean | undefined;
  metrics: Metrics;
  /** Names of metrics that are predictions: they guide the search and never reach its target. Absent: none. */
  predicted?: readonly string[];
  /** Devices of which metrics are missing, and are amended if they answer. What else is missing makes the tell unusable. Absent: none. */
  pending?: readonly string[] | undefined;
  /**
   * Names of metrics that constraints limit and nobody knows: it guides the search as if they held, and is on no front.
   * Absent: none.
   */
  undecided?: readonly string[] | undefined;
  /** Sum of relative constraint violations, of those that are known; 0 when all hold. */
  violation: number;
  cost: { seconds: number; joules: number };
}

/** What is known better of a tell. */
export interface Amendment {
  trialId: number;
  rung: number;
  /** Known now. */
  metrics: Metrics;
  /** As `Tell.violation`, of all that is known. */
  violation: number;
  /** As `Tell.undecided`. */
  undecided?: readonly string[] | undefined;
  /** Metrics of devices that count no longer: these devices are pending. Absent: none. */
  withdrawn?: readonly string[] | undefined;
}

/** What is known about candidates before they are trained, as data. */
export interface Feasibility {
  /**
   * Predicted sum of relative constraint violations of a candidate (0: expected feasible), or null where unknown.
   * Must be a pure function of the candidate between two tells.
   */
  predictViolation(candidate: Candidate): number | null;
}

export interface FrontEntry {
  trialId: number;
  rung: number;
  candidate: Candidate;
  metrics: Metrics;
  /** Names of metrics that are predictions. */
  predicted: readonly string[];
  /** Values of the objectives, in their order, as told (not negated). */
  values: number[];
}

/** What a tuner that has come to its end goes on with. What is absent stays as it was. */
export interface TunerExtension {
  /** Candidates to start in all. */
  maxTrials?: number | undefined;
  /** Its lowest rungs are those of before. */
  ladder?: TunerProblem['ladder'] | undefined;
  /** In all, of which what was used counts. */
  stop?: { timeS?: number | undefined; energyJ?: number | undefined };
}

export interface Tuner {
  /** The next thing to train; null: nothing now (outstanding asks must be told first, or the tuner is finished). */
  ask(feasibility?: Feasibility): Ask | null;
  tell(tell: Tell): void;
  /** Replaces predicted metrics of an earlier tell by known ones, and takes back what is withdrawn. */
  amend(change: Amendment): void;
  /**
   * Only these devices of the problem count from now on: of the others nothing is needed to reach the target. What they
   * have told stays until it is withdrawn.
   */
  count(devices: readonly string[]): void;
  /**
   * It may do more from now on: trials that stand at what was the highest rung may go on to those above.
   * @throws {RangeError} where that is not more than before, other rungs, or the mode goes through phases that are over
   */
  extend(extension: TunerExtension): void;
  /** Replays what was asked and told before a restart, in order. */
  restore(
    history: ReadonlyArray<
      { ask: Ask } | { tell: Tell } | { amend: Amendment } | { count: readonly string[] } | { extend: TunerExtension }
    >,
  ): void;
  /** True when every ask has been told and `ask` will never answer again. */
  isFinished(): boolean;
  /** True once a feasible trial has reached the target of `stop`: what is being trained is not needed any more. */
  isTargetReached(): boolean;
  /**
   * Non-dominated feasible trials (each at its highest rung), best first by the study's preference. Devices that have not
   * answered about any of them decide nothing; what others have answered is needed.
   * @param devices those that decide; absent: all
   */
  front(devices?: readonly string[]): FrontEntry[];
}
