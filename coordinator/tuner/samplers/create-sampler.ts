import type { TunerProblem } from '../tuner.ts';
import type { Sampler, SamplerKind } from './sampler.ts';
import { QuasiRandomSampler } from './unguided/quasi-random.ts';

/** A sampler of this kind for a problem. */
export function createSampler(kind: SamplerKind, problem: TunerProblem, objectives: number): Sampler {
  const { settings, maxTrials } = problem;
  return kind.create({
    seed: settings.seed,
    maxTrials,
    objectives,
    weighsTime: runsOutOfTime(problem),
    startup: new QuasiRandomSampler(settings.seed),
  });
}

/**
 * Whether a study ends by what its trials cost, or would like to end early: then what a candidate costs counts. Where
 * it ends after so many trials it does not, and where it must be reproducible measured seconds decide nothing.
 */
function runsOutOfTime({ stop = {}, synchronous }: TunerProblem): boolean {
  const { timeS, energyJ, target = [] } = stop;
  return !synchronous && (timeS !== undefined || energyJ !== undefined || target.length > 0);
}
