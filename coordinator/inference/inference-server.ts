/** The inference tuning server: for an architecture and a device, find the best inference config by few measurements. */
import type { DeviceView } from '@edgetune/shared/domain/device.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import type { Constraint, Objective } from '@edgetune/shared/domain/objective.ts';
import type { Prefer } from '@edgetune/shared/domain/prefer.ts';
import type { Scenario } from '@edgetune/shared/domain/scenario.ts';
import type { Parameter } from '@edgetune/shared/domain/search-space.ts';
import type { ModelVariants } from './model-variants.ts';

export interface InferenceRequest {
  studyId: string | null;
  signature: string;
  modelSha256: string;
  modelBytes: number;
  /** What configs of other precisions run; absent: every config runs the model itself. */
  variants?: ModelVariants;
  device: DeviceView;
  /** The inference level of the search space: `batchSize`, `threads`, `clockKHz`, `precision`, … */
  parameters: Parameter[];
  scenario: Scenario;
  objectives: Objective[];
  prefer?: Prefer | undefined;
  constraints: Constraint[];
  /** `search`: reuse what is known of the device class; `confirm`: measure anew, on this device, this very model. */
  purpose: 'search' | 'confirm';
  seed: number;
  /** Sizes of the model's symbolic dimensions other than the batch, by name; absent: none. */
  dimensions?: Record<string, number>;
  /**
   * All that counts as measured before, oldest first: of a study that is to come out the same again, whatever else the history
   * knows, and wherever it was interrupted. Absent: the history.
   */
  known?: readonly StoredMeasurement[];
  /** No measurement but the first is begun after so long; absent: no limit. */
  maxMs?: number;
}

export type MeasurementSource = 'measured' | 'reused-device' | 'reused-class';

export interface InferenceResult {
  /** Best under the study's objectives among the feasible; among the least violating where none is feasible. */
  best: StoredMeasurement | null;
  feasible: boolean;
  /** Smallest sum of relative violations of the device's constraints; 0: feasible. Infinity: nothing could be measured. */
  violation: number;
  /** Everything that was measured or reused, in order. */
  all: { measurement: StoredMeasurement; source: MeasurementSource }[];
  /** The non-dominated set over latency, throughput, memory and energy. */
  front: StoredMeasurement[];
  /** Why there is nothing, where there is nothing. */
  reason: string | null;
  /** Inference configs that the device could have been asked for; less those measured: measurements saved. */
  possible?: number;
  /** Why the device cannot be measured now (throttled, disturbed …): it says nothing of the architecture. Absent: it can. */
  unfit?: string;
  /** True where nothing was measured: the whole 95 % interval of the prediction violates a constraint. */
  refusedByPrediction?: boolean;
}

export interface InferenceServer {
  /** Searches asynchronously; of two searches that want the same measurement at a time, one waits for the other's. */
  tune(
    request: InferenceRequest,
    onMeasured: (measurement: StoredMeasurement, source: MeasurementSource) => void,
    signal: AbortSignal,
  ): Promise<InferenceResult>;
}

/** What the inference server needs of the store: the history. */
export interface MeasurementHistory {
  /** Resolves when it is written durably; while the disk is full it waits. */
  save(measurement: StoredMeasurement): Promise<void>;
  /** Measurements of this architecture and scenario on the device, or on any device of its class. */
  find(query: { signature: string; deviceClass: string; scenarioKey: string }): StoredMeasurement[];
  get(id: string): StoredMeasurement | null;
  /** The latest measurements of a device class under a scenario, of any architecture: the predictor learns from them. */
  recent?(query: { deviceClass: string; scenarioKey: string; limit: number }): StoredMeasurement[];
  /** The device classes of which there are measurements and whose names begin so, in order. */
  classes?(beginning: string): string[];
}
