/** What is known of a trial at one rung, and lists of such ordered by merit. */
import { dominates } from '@edgetune/shared/domain/dominance.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import { hypervolumeContributions, referencePoint } from './pareto.ts';
import type { SpacePoint } from './space.ts';

export interface Observation {
  readonly trialId: number;
  /** Place on the budget ladder. */
  readonly level: number;
  readonly point: SpacePoint;
  /** Values to be minimised; empty where the violation is infinite (failed, or a value missing). */
  readonly losses: readonly number[];
  readonly violation: number;
  readonly metrics: Metrics;
  /** Devices of which metrics are missing; the losses have stand-ins for them. */
  readonly pending: readonly string[];
  /** Names of metrics that constraints limit and nobody knows. Absent: none. */
  readonly undecided?: readonly string[];
  /** Names of metrics that are predictions. */
  readonly predicted: readonly string[];
  readonly status: 'ok' | 'infeasible' | 'failed' | 'stopped';
  /** It failed for reasons of the machine. */
  readonly crashed?: boolean;
  /** Seconds or joules that the rung cost, or 1 where rungs are sized by nominal units. */
  readonly cost: number;
  /** Seconds that the rung took; NaN where that is not known. */
  readonly seconds: number;
}

/** Whether it is known to meet all constraints. */
export function isFeasible({ violation, undecided = [] }: Pick<Observation, 'violation' | 'undecided'>): boolean {
  return violation === 0 && undecided.length === 0;
}

/** Whether the trial may be promoted: not one that failed, was stopped, or is infeasible. */
export function isEligible({ status, violation }: Observation): boolean {
  return status === 'ok' && Number.isFinite(violation);
}

/** Whether it says something of its candidate: not what was stopped, or failed for reasons of the machine. */
export function isEvidence({ status, crashed = false }: Observation): boolean {
  return status !== 'stopped' && !crashed;
}

/**
 * Observations in order of merit: the feasible by their loss — with several objectives by non-domination rank, within
 * a rank by hypervolume contribution — then the others by their violation; ties by trial. Kept up to date one by one.
 */
export interface Ranking {
  readonly size: number;
  readonly feasibleSize: number;
  add(observation: Observation): void;
  remove(observation: Observation): void;
  /** The best `count`, best first. */
  top(count: number): readonly Observation[];
  /** All, best first; within a rank of several objectives in no particular order. */
  all(): readonly Observation[];
  /** The feasible that no other dominates. */
  front(): readonly Observation[];
}

export function createRanking(objectives: number): Ranking {
  return objectives === 1 ? new SortedRanking() : new FrontRanking();
}

const byViolation = (a: Observation, b: Observation) =>
  a.violation === b.violation ? a.trialId - b.trialId || a.level - b.level : a.violation - b.violation;

const byLoss = (a: Observation, b: Observation) =>
  a.violation > 0 || b.violation > 0 || a.losses[0] === b.losses[0]
    ? byViolation(a, b)
    : (a.losses[0] as number) - (b.losses[0] as number);

/** Index of the first element that does not come before `item`. */
function lowerBound(list: readonly Observation[], item: Observation, compare: typeof byLoss): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as Observation, item) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

class SortedRanking implements Ranking {
  readonly #sorted: Observation[] = [];
  #feasible = 0;

  get size() {
    return this.#sorted.length;
  }
  get feasibleSize() {
    return this.#feasible;
  }
  add(observation: Observation) {
    this.#sorted.splice(lowerBound(this.#sorted, observation, byLoss), 0, observation);
    if (observation.violation === 0) this.#feasible++;
  }
  remove(observation: Observation) {
    const at = lowerBound(this.#sorted, observation, byLoss);
    if (this.#sorted[at] !== observation) throw new RangeError(`trial ${observation.trialId} is not in this ranking`);
    this.#sorted.splice(at, 1);
    if (observation.violation === 0) this.#feasible--;
  }
  top(count: number) {
    return this.#sorted.slice(0, count);
  }
  all() {
    return this.#sorted;
  }
  front() {
    const best = this.#feasible > 0 ? (this.#sorted[0] as Observation) : undefined;
    return best ? this.#sorted.filter(({ violation, losses }) => violation === 0 && losses[0] === best.losses[0]) : [];
  }
}

/** Contributions of larger fronts with three and more values cost too much: those are ordered by their spread. */
const LARGEST_CONTRIBUTING = 48;

class FrontRanking implements Ranking {
  readonly #fronts: Observation[][] = [];
  readonly #infeasible: Observation[] = [];
  #feasible = 0;
  #cache: { count: number; top: readonly Observation[] } | null = null;

  get size() {
    return this.#feasible + this.#infeasible.length;
  }
  get feasibleSize() {
    return this.#feasible;
  }

  add(observation: Observation) {
    this.#cache = null;
    if (observation.violation > 0) {
      this.#infeasible.splice(lowerBound(this.#infeasible, observation, byViolation), 0, observation);
      return;
    }
    this.#feasible++;
    this.#insert([observation], 0);
  }

  /** Puts mutually non-dominated newcomers into the first front that dominates none; what they dominate moves down. */
  #insert(newcomers: Observation[], from: number) {
    let [moving, at] = [newcomers, from];
    if (moving.length === 1) {
      const { losses } = moving[0] as Observation;
      while (
        at < this.#fronts.length &&
        (this.#fronts[at] as Observation[]).some((member) => dominates(member.losses, losses))
      )
        at++;
    }
    for (; moving.length > 0; at++) {
      const front = this.#fronts[at];
      if (!front) {
        this.#fronts.push(moving);
        return;
      }
      const arrived = moving;
      const [stay, down]: [Observation[], Observation[]] = [[], []];
      for (const member of front)
        (arrived.some((newcomer) => dominates(newcomer.losses, member.losses)) ? down : stay).push(member);
      stay.push(...arrived);
      this.#fronts[at] = stay;
      moving = down;
    }
  }

  remove(observation: Observation) {
    this.#cache = null;
    if (observation.violation > 0) {
      const at = lowerBound(this.#infeasible, observation, byViolation);
      if (this.#infeasible[at] !== observation)
        throw new RangeError(`trial ${observation.trialId} is not in this ranking`);
      this.#infeasible.splice(at, 1);
      return;
    }
    const rank = this.#fronts.findIndex((front) => front.includes(observation));
    if (rank < 0) throw new RangeError(`trial ${observation.trialId} is not in this ranking`);
    this.#feasible--;
    // Those below may move up: they are put in again one by one.
    const below = this.#fronts.splice(rank);
    const rest = (below[0] as Observation[]).filter((member) => member !== observation);
    if (rest.length > 0) this.#fronts.push(rest);
    for (const front of below.slice(1)) for (const member of front) this.#insert([member], rank);
  }

  top(count: number) {
    if (this.#cache?.count === count) return this.#cache.top;
    const top: Observation[] = [];
    for (const front of this.#fronts) {
      if (top.length >= count) break;
      for (const member of orderedFront(front, count - top.length)) top.push(member);
    }
    for (const member of this.#infeasible) {
      if (top.length >= count) break;
      top.push(member);
    }
    this.#cache = { count, top };
    return top;
  }
  all() {
    return [...this.#fronts.flat(), ...this.#infeasible];
  }
  front() {
    return this.#fronts[0] ?? [];
  }
}

/** The best `count` of mutually non-dominated observations, best first. */
function orderedFront(front: readonly Observation[], count: number): Observation[] {
  const members = [...front].sort((a, b) => a.trialId - b.trialId || a.level - b.level);
  if (members.length === 1) return members;
  const losses = members.map((member) => member.losses);
  const objectives = (losses[0] as readonly number[]).length;
  if (objectives > 2 && members.length > LARGEST_CONTRIBUTING) return spreadOut(members, count);
  const gains = hypervolumeContributions(losses, referencePoint(losses));
  const order = members.map((_, index) => index).sort((i, j) => (gains[j] as number) - (gains[i] as number) || i - j);
  return order.slice(0, count).map((index) => members[index] as Observation);
}

/** An ε-net: the best of the first value, then always the one that is farthest from those chosen (values scaled to their range). */
function spreadOut(members: readonly Observation[], count: number): Observation[] {
  const objectives = (members[0] as Observation).losses.length;
  const ranges = Array.from({ length: objectives }, (_, i) => {
    const values = members.map(({ losses }) => losses[i] as number);
    return Math.max(...values) - Math.min(...values) || 1;
  });
  const distances = new Array<number>(members.length).fill(Infinity);
  let next = members.reduce(
    (best, { losses }, i) => ((losses[0] as number) < ((members[best] as Observation).losses[0] as number) ? i : best),
    0,
  );
  const chosen: Observation[] = [];
  while (chosen.length < Math.min(count, members.length)) {
    const center = members[next] as Observation;
    chosen.push(center);
    distances[next] = -1;
    let farthest = -1;
    for (const [index, { losses }] of members.entries()) {
      if ((distances[index] as number) < 0) continue;
      let squared = 0;
      for (let i = 0; i < objectives; i++)
        squared += (((losses[i] as number) - (center.losses[i] as number)) / (ranges[i] as number)) ** 2;
      if (squared < (distances[index] as number)) distances[index] = squared;
      if (farthest < 0 || (distances[index] as number) > (distances[farthest] as number)) farthest = index;
    }
    next = farthest;
  }
  return chosen;
}
