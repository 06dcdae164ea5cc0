/** What a board that tells nothing of itself reports. */
import type { Conditions } from '@edgetune/shared/domain/measurement.ts';

export const UNKNOWN_CONDITIONS: Conditions = {
  clockKHzBefore: null,
  clockKHzDuring: null,
  clockKHzAfter: null,
  temperatureCBefore: null,
  temperatureCAfter: null,
  governor: null,
  otherLoadCores: null,
  throttled: null,
  underVoltage: null,
};
