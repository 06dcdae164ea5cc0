/** How a recommendation reads: the same in the report, in the terminal and on the page. */
import type { Recommendation, RecommendedModel } from './recommendation.ts';
import { formatQuantity } from './units.ts';

/** Of the table of a model's devices. */
export const DEVICE_COLUMNS = [
  'device',
  'precision',
  'batch',
  'threads',
  'clock',
  'provider',
  'runner',
  'latency p50',
  'latency p99',
  'throughput',
  'memory',
  'energy per inference',
  'evidence',
] as const;

/** By its name in the study; where another device has taken its place, or it is called otherwise now, with that name. */
export function deviceText({
  device,
  measurement: { deviceName },
}: {
  device: string;
  measurement: { deviceName: string };
}): string {
  return deviceName === device ? device : `${device} (${deviceName})`;
}

/** A device's row: all that its config says, and what was measured with it; a dash for what was not. */
export function deviceCells(row: RecommendedModel['devices'][number]): string[] {
  const { config, measurement } = row;
  const { latencyMs, throughputPerS, peakMemoryBytes, energy, simulated } = measurement;
  return [
    deviceText(row),
    config.precision,
    String(config.batchSize),
    String(config.threads),
    config.clockKHz === null ? 'governor' : formatQuantity(config.clockKHz, 'clock'),
    config.executionProvider,
    config.runner,
    latencyMs ? formatQuantity(latencyMs.p50, 'time') : '–',
    latencyMs ? formatQuantity(latencyMs.p99, 'time') : '–',
    throughputPerS === null ? '–' : formatQuantity(throughputPerS, 'rate'),
    peakMemoryBytes === null ? '–' : formatQuantity(peakMemoryBytes, 'memory'),
    energy === null
      ? 'not measured'
      : `${formatQuantity(energy.netJ, 'energy')}${energy.source === 'meter' ? '' : ` (${energy.source})`}`,
    simulated ? 'simulated' : 'measured',
  ];
}

/** For how long a model was trained, and after which epoch it was the best. */
export function epochsText({ epochs, bestEpoch = epochs }: Pick<RecommendedModel, 'epochs' | 'bestEpoch'>): string {
  const all = `${epochs} epoch${epochs === 1 ? '' : 's'}`;
  return bestEpoch === epochs
    ? all
    : `${all}, of which this is the model after epoch ${bestEpoch}, the best by validation`;
}

/** Which trials are on the front, such as "On the Pareto front: trials 3, 7 and 9."; null where none is. */
export function frontText(trials: readonly { trialId: number; onFront: boolean }[]): string | null {
  const ids = trials.flatMap(({ trialId, onFront }) => (onFront ? [String(trialId)] : []));
  const last = ids.pop();
  if (last === undefined) return null;
  return `On the Pareto front: ${ids.length > 0 ? `trials ${ids.join(', ')} and ` : 'trial '}${last}.`;
}

const TRAINING_ENERGY = {
  meter: '',
  estimate: ' (estimate)',
  both: ' (partly an estimate)',
  unknown: ' (measured or estimated: not recorded)',
} as const;

/** What training took, and whether a meter says so. */
export function trainingEnergyText({ trainingEnergyJ, trainingEnergySource }: Recommendation['summary']): string {
  return `${formatQuantity(trainingEnergyJ, 'energy')}${TRAINING_ENERGY[trainingEnergySource ?? 'unknown']}`;
}

/** What measuring took of the boards. */
export function deviceEnergyText({ deviceJoules }: Recommendation['summary']): string {
  return deviceJoules === null ? 'energy not measured' : formatQuantity(deviceJoules, 'energy');
}
