/** What the history knows of a model on a device: measurements that need not be made again. */
import { type InferenceConfig, inferenceConfigKey } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { scenarioKey } from '@edgetune/shared/domain/scenario.ts';
import type { InferenceRequest, MeasurementHistory, MeasurementSource } from './inference-server.ts';
import { filesOf, modelFor } from './model-variants.ts';
import { goalsOf } from './search/config-score.ts';

export interface Known {
  measurement: StoredMeasurement;
  source: MeasurementSource;
}

/** The latest measurement of a config, rather on the device than on another one of its class. */
export function recall(history: MeasurementHistory, request: InferenceRequest, config: InferenceConfig): Known | null {
  const model = modelFor(request, config);
  if ('reason' in model) return null;
  const key = inferenceConfigKey(config);
  const known = usable(history, request, model.signature).filter(
    ({ measurement }) => inferenceConfigKey(measurement.config) === key,
  );
  return known.findLast(({ source }) => source === 'reused-device') ?? known.at(-1) ?? null;
}

/** Tells of which configs of the model and its variants `recall` has a measurement: one look for the whole grid. */
export function knownConfigs(
  history: MeasurementHistory,
  request: InferenceRequest,
): (config: InferenceConfig) => boolean {
  const found = filesOf(request).flatMap(({ signature }) => usable(history, request, signature));
  const keyOf = (signature: string, config: InferenceConfig) => `${signature}|${inferenceConfigKey(config)}`;
  const keys = new Set(found.map(({ measurement: { signature, config } }) => keyOf(signature, config)));
  return (config) => {
    const model = modelFor(request, config);
    return !('reason' in model) && keys.has(keyOf(model.signature, config));
  };
}

/**
 * What the history knows of this architecture on the device or its class. Failed and disturbed runs are not reused, nor
 * one without energy where that is asked for and the board has a meter: its window was too short.
 */
export function usable(history: MeasurementHistory, request: InferenceRequest, signature: string): Known[] {
  const { device, scenario } = request;
  if (device.deviceClass === null) return [];
  const needsEnergy = device.board?.powerMeter != null && asksForPower(request);
  return historyFor(request, history)
    .find({ signature, deviceClass: device.deviceClass, scenarioKey: scenarioKey(scenario) })
    .filter(
      ({ outcome, energy }) => (outcome === 'ok' && !(needsEnergy && energy === null)) || outcome === 'out-of-memory',
    )
    .map((measurement) => ({
      measurement,
      source: measurement.deviceId === device.id ? 'reused-device' : 'reused-class',
    }));
}

/** What counts as the history for a request. */
export function historyFor(
  { known }: Pick<InferenceRequest, 'known'>,
  history: MeasurementHistory,
): Pick<MeasurementHistory, 'find' | 'recent'> {
  if (!known) return history;
  const alike = (query: { deviceClass: string; scenarioKey: string }) =>
    known.filter(
      ({ deviceClass, scenario }) => deviceClass === query.deviceClass && scenarioKey(scenario) === query.scenarioKey,
    );
  return {
    find: (query) => alike(query).filter(({ signature }) => signature === query.signature),
    recent: (query) => alike(query).toReversed().slice(0, query.limit),
  };
}

/** Whether energy or power is among the objectives or constraints of this device. */
export function asksForPower(request: InferenceRequest): boolean {
  const { aims, limits } = goalsOf(request, request.device.name);
  return [...aims, ...limits].some(({ metric }) => metric === 'energy' || metric === 'power');
}
