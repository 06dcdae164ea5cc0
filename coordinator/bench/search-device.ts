/** The search of one bench on one of its devices. */
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { BenchDevice } from '@edgetune/shared/protocol/bench.ts';
import type { InferenceRequest, InferenceServer, MeasurementSource } from '../inference/inference-server.ts';
import { countConfigs } from '../inference/search/config-grid.ts';
import { measurementBudget } from '../inference/search/config-search.ts';
import type { JoinedDevice } from './bench-input.ts';
import { benchParameters } from './bench-parameters.ts';
import type { BenchRecord } from './bench-repository.ts';

export interface DeviceSearch {
  record: BenchRecord;
  /** Of this device in the record: what is found is written into it. */
  entry: BenchDevice;
  device: JoinedDevice;
  /** What this bench itself had measured before its coordinator ended. */
  ownIds: ReadonlySet<string>;
  /** The entry has one measurement more. */
  onEntryChanged(): void;
}

/** @throws {InferenceInputError} where nothing can be searched @throws the signal's reason */
export async function searchDevice(
  inference: InferenceServer,
  { record, entry, device, ownIds, onEntryChanged }: DeviceSearch,
  signal: AbortSignal,
): Promise<void> {
  const asked = requestFor(record, device);
  const count = (possible: number) => Object.assign(entry, { possible, planned: measurementBudget(possible) });
  count(countConfigs(asked.parameters, device));
  const onMeasured = (measurement: StoredMeasurement, source: MeasurementSource) => {
    if (ownIds.has(measurement.id)) return;
    entry.measurements.push({ ...measurement, from: source });
    if (source === 'measured') entry.measured += 1;
    else entry.reused += 1;
    onEntryChanged();
  };
  const found = await inference.tune(asked, onMeasured, signal);
  // Without the precisions in which there is no variant.
  if (found.possible !== undefined) count(found.possible);
  // What another device of the class has shown is good for searching; what is recommended is measured on this one.
  const isOwn = found.best === null || found.best.deviceId === device.id;
  const result = isOwn ? found : await inference.tune({ ...asked, purpose: 'confirm' }, onMeasured, signal);
  const { best, feasible, reason } = result;
  Object.assign(entry, { best, feasible, reason, state: best ? 'finished' : 'failed' });
}

function requestFor({ request, view }: BenchRecord, device: JoinedDevice): InferenceRequest {
  const { objectives, constraints, scenario, dimensions, maxSeconds } = request;
  const { modelSha256, modelBytes, signature } = view;
  return {
    studyId: null,
    signature,
    modelSha256,
    modelBytes,
    ...(view.int8 ? { variants: { int8: view.int8 } } : {}),
    device,
    parameters: benchParameters(request, device),
    scenario,
    objectives,
    constraints,
    dimensions,
    purpose: 'search',
    seed: 0,
    ...(maxSeconds === undefined ? {} : { maxMs: maxSeconds * 1000 }),
  };
}
