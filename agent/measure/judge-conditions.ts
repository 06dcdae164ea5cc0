/** Whether a measurement may be believed, by the conditions under which it was made. Pure. */
import type { Conditions } from '@edgetune/shared/domain/measurement.ts';

export interface Verdict {
  /** What kept the board from its normal speed; `disturbed`: other programs did; `changed`: it became another class. */
  cause: 'under-voltage' | 'throttled' | 'disturbed' | 'changed';
  /** For people. */
  reason: string;
}

/** Cores that others may keep busy: a quarter of one, or a tenth of all where that is more. */
export function mostOtherLoadCores(logicalCores: number): number {
  return Math.max(0.25, 0.1 * logicalCores);
}

/** The kernel books busy time in ticks of 10 ms on each core: by so much it can be wrong at both ends of a window. */
const TICKS_S = 0.02;

/** What is tolerated. */
export interface Tolerance {
  /** In cores; Infinity: the user knows that other programs run. */
  mostOtherLoad: number;
  logicalCores: number;
  windowMs: number;
}

export function judgeConditions(conditions: Conditions, tolerance: Tolerance): Verdict | null {
  const mostOtherLoad = tolerance.mostOtherLoad + (tolerance.logicalCores * TICKS_S) / (tolerance.windowMs / 1000);
  const { underVoltage, throttled, otherLoadCores, warnings = [] } = conditions;
  const why = warnings.join('; ');
  if (underVoltage) return { cause: 'under-voltage', reason: `under-voltage: ${why}` };
  if (throttled) return { cause: 'throttled', reason: `throttled: ${why}` };
  if (otherLoadCores !== null && otherLoadCores > mostOtherLoad)
    return {
      cause: 'disturbed',
      reason: `disturbed: other programs kept ${otherLoadCores.toFixed(2)} cores busy (${mostOtherLoad.toFixed(2)} are tolerated)`,
    };
  return null;
}
