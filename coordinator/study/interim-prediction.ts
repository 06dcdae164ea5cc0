/**
 * A stand-in for device metrics that are still being measured when a rung ends: from the other architectures that this
 * study has measured on the device. It is labelled as a prediction wherever it shows and replaced by the measurement.
 */
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

export interface MeasuredArchitecture {
  macs: number;
  metrics: Metrics;
}

/**
 * Each metric interpolated linearly over MACs between the nearest smaller and larger architecture; beyond them the
 * nearest one's value (no extrapolation: a board's fixed cost per layer makes it wrong). Null where none was measured.
 */
export function predictDeviceMetrics(known: readonly MeasuredArchitecture[], macs: number): Metrics | null {
  if (known.length === 0) return null;
  const sorted = [...known].sort((a, b) => a.macs - b.macs);
  const above = sorted.find((entry) => entry.macs >= macs) ?? (sorted.at(-1) as MeasuredArchitecture);
  const below = sorted.findLast((entry) => entry.macs <= macs) ?? (sorted[0] as MeasuredArchitecture);
  const share = above.macs === below.macs ? 0 : (macs - below.macs) / (above.macs - below.macs);
  return Object.fromEntries(
    Object.entries(below.metrics).flatMap(([name, low]) => {
      const high = above.metrics[name];
      return high === undefined ? [] : [[name, low + share * (high - low)]];
    }),
  );
}
