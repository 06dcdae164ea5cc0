import type { TunerProblem } from '../tuner.ts';
import { NoScheduler } from './none.ts';
import type { Scheduler, SchedulerKind, SchedulerOptions } from './scheduler.ts';
import { TopKScheduler } from './top-k.ts';

/** A scheduler of this kind for a problem, or the one of its mode. A ladder of one place leaves nothing to decide. */
export function createScheduler(
  kind: SchedulerKind,
  { settings, ladder, synchronous }: TunerProblem,
  levels: number,
  objectives: number,
): Scheduler {
  if (levels === 1) return new NoScheduler(levels);
  const options: SchedulerOptions = {
    levels,
    reductionFactor: ladder.reductionFactor,
    objectives,
    synchronous,
    costAware: (settings.rungSizing ?? 'nominal') !== 'nominal' && !synchronous,
  };
  return settings.mode === 'top-k-after-one-epoch' ? new TopKScheduler(options) : kind.create(options);
}
