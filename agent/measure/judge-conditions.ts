/** Whether a measurement may be believed, by the conditions under which it was made. Pure. */
import type { Conditions } from '@edgetune/shared/domain/measurement.ts';

export interface Verdict {
  /** What kept the board from its normal speed; `disturbed`: other programs did. */
  cause: 'under-voltage' | 'throttled' | 'disturbed';
  /** For people. */
  reason: string;
}

/** Cores that others may keep busy: a quarter of one, or a tenth of all where that is more. */
export function mostOtherLoadCores(logicalCores: number): number {
  return Math.max(0.25, 0.1 * logicalCores);
}

/** @param mostOtherLoad in cores; Infinity: the user knows that other programs run */
export function judgeConditions(conditions: Conditions, mostOtherLoad: number): Verdict | null {
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
