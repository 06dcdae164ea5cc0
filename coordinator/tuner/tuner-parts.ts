/** What a tuner can be put together of. */
import { SAMPLERS } from './samplers/all.ts';
import type { SamplerKind } from './samplers/sampler.ts';
import { SCHEDULERS } from './schedulers/all.ts';
import type { SchedulerKind } from './schedulers/scheduler.ts';

export interface TunerParts {
  readonly samplers: readonly SamplerKind[];
  readonly schedulers: readonly SchedulerKind[];
}

export const TUNER_PARTS: TunerParts = { samplers: SAMPLERS, schedulers: SCHEDULERS };
