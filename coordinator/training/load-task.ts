/** From the names in a study to its workload with the data in memory. */
import { partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { formatMismatch } from '@edgetune/shared/domain/study-parts.ts';
import { DATASET_FORMATS } from './datasets/all.ts';
import type { DataKind, DataKinds } from './datasets/data-kinds.ts';
import { DatasetError } from './training-service.ts';
import { WORKLOADS } from './workloads/all.ts';
import type { LoadedTask } from './workloads/workload.ts';

export interface DataTask {
  workload: string;
  dataset: DatasetSpec;
}

/** The last one: trials of one study share it. */
let last: { key: string; task: Promise<LoadedTask> } | null = null;

/** @throws {DatasetError} where the data are missing, damaged or of the wrong kind, or there is no such workload */
export function loadTask({ workload, dataset }: DataTask): Promise<LoadedTask> {
  const key = JSON.stringify([workload, dataset]);
  if (last?.key === key) return last.task;
  const task = load(workload, dataset);
  last = { key, task };
  task.catch(() => {
    if (last?.task === task) last = null;
  });
  return task;
}

async function load(workloadName: string, dataset: DatasetSpec): Promise<LoadedTask> {
  const workload = partNamed(WORKLOADS, workloadName);
  if (!workload) throw new DatasetError(unknownPart('workload', workloadName, WORKLOADS));
  const format = partNamed(DATASET_FORMATS, dataset.format);
  if (!format) throw new DatasetError(unknownPart('data format', dataset.format, DATASET_FORMATS));
  const mismatch = formatMismatch(workload, format, DATASET_FORMATS);
  if (mismatch !== null) throw new DatasetError(mismatch);
  // The compiler does not see that the two are of one kind.
  const loadData = workload.load as (data: DataKinds[DataKind]) => Promise<LoadedTask>;
  return loadData(format.read(dataset));
}
