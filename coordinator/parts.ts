/** Everything that a study or a tuner may name. */
import { DATASET_FORMATS } from './training/datasets/all.ts';
import type { DatasetFormat } from './training/datasets/dataset-format.ts';
import { WORKLOADS } from './training/workloads/all.ts';
import type { Workload } from './training/workloads/workload.ts';
import { TUNER_PARTS, type TunerParts } from './tuner/tuner-parts.ts';

export interface Parts extends TunerParts {
  readonly workloads: readonly Workload[];
  readonly formats: readonly DatasetFormat[];
}

export const PARTS: Parts = { workloads: WORKLOADS, formats: DATASET_FORMATS, ...TUNER_PARTS };
