/**
 * One search of the space: what it has seen, and who decides by that. It may settle where nothing better is near; then
 * the tuner begins another, which knows nothing of it.
 */
import { type Part, partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { History } from './history.ts';
import { isEvidence, type Observation } from './observation.ts';
import { Progress } from './progress.ts';
import { createSampler } from './samplers/create-sampler.ts';
import type { Sampler, SamplerKind } from './samplers/sampler.ts';
import { createScheduler } from './schedulers/create-scheduler.ts';
import type { Scheduler, SchedulerKind } from './schedulers/scheduler.ts';
import type { SpacePoint } from './space.ts';
import type { TunerProblem } from './tuner.ts';
import type { TunerParts } from './tuner-parts.ts';

/**
 * A search is stuck when so many reports, and so large a share of all its reports, have improved nothing. Some runs of
 * a search that commits itself find what they look for soon, and the others hardly ever: to begin again cuts that tail
 * off (Gomes et al., "Heavy-tailed phenomena in satisfiability and constraint satisfaction problems", Journal of
 * Automated Reasoning 2000); trust regions are begun anew for the same reason (Eriksson et al., "Scalable global
 * optimization via local Bayesian optimization", NeurIPS 2019).
 */
const STUCK = { leastReports: 50, leastShare: 0.3 };

export class Search {
  readonly history: History;
  #scheduler: Scheduler;
  readonly #schedulerFor: (levels: number) => Scheduler;
  readonly #sampler: Sampler;
  readonly #progress = new Progress();
  readonly #mayGetStuck: boolean;

  /** @throws {RangeError} where the problem names a part that there is not */
  constructor(problem: TunerProblem, parts: TunerParts, levels: number, objectives: number) {
    const sampler = named('sampler', problem.settings.sampler, parts.samplers);
    const scheduler = named('scheduler', problem.settings.scheduler, parts.schedulers);
    this.history = new History(levels, objectives);
    this.#schedulerFor = (of) => createScheduler(scheduler, problem, of, objectives);
    this.#scheduler = this.#schedulerFor(levels);
    this.#sampler = createSampler(sampler, problem, objectives);
    this.#mayGetStuck = mayGetStuck(problem, sampler, scheduler);
  }

  get isStuck(): boolean {
    const { told, sinceImprovement } = this.#progress;
    const { leastReports, leastShare } = STUCK;
    return this.#mayGetStuck && sinceImprovement >= leastReports && sinceImprovement >= leastShare * told;
  }

  next(...args: Parameters<Scheduler['next']>) {
    return this.#scheduler.next(...args);
  }

  propose(...args: Parameters<Sampler['propose']>) {
    return this.#sampler.propose(...args);
  }

  /**
   * The ladder has so many levels from now on, the new ones above the others.
   * @param begun what it was asked for so far, in this order: where there was one level nobody has counted
   */
  raise(levels: number, begun: readonly { trialId: number; told: readonly Observation[] }[]) {
    const before = this.history.levels.length;
    this.history.raise(levels);
    if (before > 1) return this.#scheduler.raise(levels);
    this.#scheduler = this.#schedulerFor(levels);
    for (const { trialId, told } of begun) {
      this.#scheduler.asked(trialId, 0, 0);
      for (const observation of told) this.#scheduler.told(observation, 0);
    }
  }

  asked(trialId: number, rung: number, bracket: number, point: SpacePoint) {
    this.#scheduler.asked(trialId, rung, bracket);
    this.history.asked(trialId, point);
  }

  told(observation: Observation, rung: number) {
    this.#scheduler.told(observation, rung);
    this.history.told(observation.trialId);
    this.#progress.report(observation);
    if (isEvidence(observation)) this.history.add(observation);
  }

  amended(before: Observation, after: Observation, rung: number) {
    this.#scheduler.amended(before, after, rung);
    this.#progress.learned(after);
    if (isEvidence(after)) this.history.replace(before, after);
  }
}

function named<P extends Part>(kind: string, name: string, parts: readonly P[]): P {
  const part = partNamed(parts, name);
  if (!part) throw new RangeError(unknownPart(kind, name, parts));
  return part;
}

/** A deterministic study keeps to one search, and the mode that gives all one epoch ends where everything was tried. */
function mayGetStuck(
  { settings: { mode }, synchronous }: TunerProblem,
  sampler: SamplerKind,
  scheduler: SchedulerKind,
): boolean {
  if (synchronous || mode === 'top-k-after-one-epoch') return false;
  return sampler.commits === true && scheduler.fillsRungs !== true;
}
