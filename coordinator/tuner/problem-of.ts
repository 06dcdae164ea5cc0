import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { TunerProblem } from './tuner.ts';

/** What is in the specification of a study, and of a tuner for other people's programs, alike. */
type Spec = Pick<
  StudySpec,
  'objectives' | 'prefer' | 'constraints' | 'devices' | 'budget' | 'tuner' | 'stop' | 'deterministic'
> & { space: NonNullable<StudySpec['space']> };

/** What a specification asks of the tuner. */
export function problemOf(spec: Spec): TunerProblem {
  const { trials, ...stop } = spec.stop;
  return {
    parameters: parametersOf(spec.space, ['model', 'training', 'system']),
    objectives: spec.objectives,
    prefer: spec.prefer,
    constraints: spec.constraints,
    devices: spec.devices,
    ladder: spec.budget,
    settings: spec.tuner,
    maxTrials: trials,
    synchronous: spec.deterministic,
    stop,
  };
}
