import type { TunerProblem } from '../tuner.ts';
import { autoSampler } from './auto.ts';
import { BayesianSampler } from './bayesian/bayesian.ts';
import { DehbSampler } from './evolution/dehb.ts';
import { Nsga2Sampler } from './evolution/nsga2.ts';
import { BohbSampler } from './parzen/bohb.ts';
import { TpeSampler } from './parzen/tpe.ts';
import type { Sampler } from './sampler.ts';
import { GridSampler } from './unguided/grid.ts';
import { QuasiRandomSampler } from './unguided/quasi-random.ts';
import { randomSampler } from './unguided/random.ts';

/** The sampler of a problem. */
export function createSampler(problem: TunerProblem, objectives: number): Sampler {
  const { settings, maxTrials } = problem;
  const spread = new QuasiRandomSampler(settings.seed);
  const weighsTime = runsOutOfTime(problem);
  switch (settings.sampler) {
    case 'random':
      return randomSampler;
    case 'quasi-random':
      return spread;
    case 'grid':
      return new GridSampler(maxTrials);
    case 'bohb':
      return new BohbSampler();
    case 'nsga2':
      return new Nsga2Sampler(spread);
    case 'dehb':
      return new DehbSampler(spread);
    case 'motpe':
      return new TpeSampler('motpe', spread);
    case 'tpe':
      return new TpeSampler('tpe', spread);
    case 'bayesian':
      return new BayesianSampler(spread, weighsTime);
    case 'auto':
      return autoSampler(spread, objectives, weighsTime);
  }
}

/**
 * Whether a study ends by what its trials cost, or would like to end early: then what a candidate costs counts. Where
 * it ends after so many trials it does not, and where it must be reproducible measured seconds decide nothing.
 */
function runsOutOfTime({ stop = {}, synchronous }: TunerProblem): boolean {
  const { timeS, energyJ, target = [] } = stop;
  return !synchronous && (timeS !== undefined || energyJ !== undefined || target.length > 0);
}
