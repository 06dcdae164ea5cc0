import type { TunerProblem } from '../tuner.ts';
import { AshaScheduler } from './asha.ts';
import { HyperbandScheduler } from './hyperband.ts';
import { NoScheduler } from './none.ts';
import type { Scheduler, SchedulerOptions } from './scheduler.ts';
import { TopKScheduler } from './top-k.ts';

/**
 * The scheduler of a problem. `auto`: asynchronous successive halving, or by whole rungs where the problem is
 * synchronous — as `asha` is there, too.
 */
export function createScheduler(problem: TunerProblem, levels: number, objectives: number): Scheduler {
  const { settings, ladder, synchronous } = problem;
  const options: SchedulerOptions = {
    levels,
    reductionFactor: ladder.reductionFactor,
    objectives,
    synchronous,
    costAware: (settings.rungSizing ?? 'nominal') !== 'nominal' && !synchronous,
  };
  if (settings.mode === 'top-k-after-one-epoch' && levels > 1) return new TopKScheduler(options);
  if (settings.scheduler === 'none' || levels === 1) return new NoScheduler(levels);
  if (settings.scheduler === 'hyperband') return new HyperbandScheduler(options, levels);
  if (settings.scheduler === 'successive-halving' || synchronous) return new HyperbandScheduler(options, 1);
  return new AshaScheduler(options);
}
