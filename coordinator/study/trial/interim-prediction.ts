/**
 * A stand-in for device metrics that are still being measured when a rung ends: what the inference server's predictor
 * learns from the other architectures that this study has measured on the device. It is labelled as a prediction wherever
 * it shows and replaced by the measurement.
 */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';
import { learn } from '../../inference/predictor/predictor.ts';

/** The best config of an architecture, and its metrics. */
export interface MeasuredArchitecture {
  /** As `architectureCoordinates` gives them; the first is the logarithm of the MACs. */
  coordinates: readonly number[];
  config: InferenceConfig;
  metrics: Metrics;
}

/** Learning is cubic in the examples, and those far away tell little. */
const MOST_EXAMPLES = 16;

/**
 * Each metric at the config that is best for the architecture nearest in size. Null where none was measured.
 * @param cores of the device
 */
export function predictDeviceMetrics(
  known: readonly MeasuredArchitecture[],
  coordinates: readonly number[],
  cores: number,
): Metrics | null {
  const [macs] = coordinates as [number];
  const distance = (other: MeasuredArchitecture) => Math.abs((other.coordinates as [number])[0] - macs);
  const near = known.toSorted((a, b) => distance(a) - distance(b)).slice(0, MOST_EXAMPLES);
  const [nearest] = near;
  if (!nearest) return null;
  return Object.fromEntries(
    Object.keys(nearest.metrics).flatMap((name) => {
      const examples = near.flatMap(({ coordinates: architecture, config, metrics }, index) => {
        const value = metrics[name];
        return value !== undefined && value > 0 ? [{ group: String(index), architecture, config, value }] : [];
      });
      if (examples.length === 0) return [];
      return [[name, Math.exp(learn(name, examples, cores).predict(coordinates, nearest.config).mean)]];
    }),
  );
}
