/**
 * A stand-in for device metrics that are still being measured when a rung ends: what the inference server's predictor
 * learns from the other architectures that this study has measured on the device. It is labelled as a prediction wherever
 * it shows and replaced by the measurement.
 */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Intervals, Metrics } from '@edgetune/shared/domain/study-event.ts';
import { learn, quantile95 } from '../../inference/predictor/predictor.ts';

/** The best config of an architecture, and its metrics. */
export interface MeasuredArchitecture {
  /** As `architectureCoordinates` gives them; the first is the logarithm of the MACs. */
  coordinates: readonly number[];
  config: InferenceConfig;
  metrics: Metrics;
}

/** Learning is cubic in the examples, and those far away tell little. */
const MOST_EXAMPLES = 16;

/** Predicted metrics, and between what each lies with 95 %. */
export interface DevicePrediction {
  metrics: Metrics;
  intervals: Intervals;
}

/**
 * Each metric at the config that is best for the architecture nearest in size. Null where none was measured.
 * @param known measurements of this very device
 * @param cores of the device
 */
export function predictDeviceMetrics(
  known: readonly MeasuredArchitecture[],
  coordinates: readonly number[],
  cores: number,
): DevicePrediction | null {
  const [macs] = coordinates as [number];
  const distance = (other: MeasuredArchitecture) => Math.abs((other.coordinates as [number])[0] - macs);
  const near = known.toSorted((a, b) => distance(a) - distance(b)).slice(0, MOST_EXAMPLES);
  const [nearest] = near;
  if (!nearest) return null;
  const predicted = Object.keys(nearest.metrics).flatMap((name) => {
    const examples = near.flatMap(({ coordinates: architecture, config, metrics }) => {
      const value = metrics[name];
      return value !== undefined && value > 0 ? [{ group: `${architecture[0]}`, architecture, config, value }] : [];
    });
    if (examples.length === 0) return [];
    const predictor = learn(name, examples, cores);
    const { mean, deviation } = predictor.predict(coordinates, nearest.config);
    const width = quantile95(predictor.architectures) * deviation;
    return [[name, Math.exp(mean), [Math.exp(mean - width), Math.exp(mean + width)]]] as const;
  });
  if (predicted.length === 0) return null;
  return {
    metrics: Object.fromEntries(predicted.map(([name, value]) => [name, value])),
    intervals: Object.fromEntries(predicted.map(([name, , interval]) => [name, [...interval]])),
  };
}
