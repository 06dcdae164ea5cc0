/** The schedulers that there are. A new one is one more line here. */
import { asha } from './asha.ts';
import { auto } from './auto.ts';
import { hyperband, successiveHalving } from './hyperband.ts';
import { none } from './none.ts';
import type { SchedulerKind } from './scheduler.ts';

export const SCHEDULERS: readonly SchedulerKind[] = [auto, none, successiveHalving, hyperband, asha];
