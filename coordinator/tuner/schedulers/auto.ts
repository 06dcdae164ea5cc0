import { asha } from './asha.ts';
import type { SchedulerKind } from './scheduler.ts';

export const auto: SchedulerKind = { ...asha, name: 'auto', description: 'the default: asha' };
