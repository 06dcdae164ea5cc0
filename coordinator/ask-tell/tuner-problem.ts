import { parametersOf } from '@edgetune/shared/domain/search-space.ts';
import type { TunerSpec } from '@edgetune/shared/protocol/tuner-lines.ts';
import type { TunerProblem } from '../tuner/tuner.ts';

/** What a specification asks of the tuner. */
export function problemOf(spec: TunerSpec): TunerProblem {
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
