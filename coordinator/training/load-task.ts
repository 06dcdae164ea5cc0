/** From a workload's name and a file of samples to the task in memory. */
import { partNamed, unknownPart } from '@edgetune/shared/domain/part.ts';
import { type PreparedData, readPrepared } from './datasets/process/prepared-file.ts';
import { DatasetError, type PreparedTask } from './training-service.ts';
import { WORKLOADS } from './workloads/all.ts';
import type { LoadedTask, Workload } from './workloads/workload.ts';

/** The last one: trials of one study share it. A file is named by its content: the key cannot go stale. */
let last: { key: string; task: Promise<LoadedTask> } | null = null;

/** @throws {DatasetError} where there is no such workload, or it takes another kind of data */
export function loadTask({ workload, data }: Pick<PreparedTask, 'workload' | 'data'>): Promise<LoadedTask> {
  const key = JSON.stringify([workload, data]);
  if (last?.key === key) return last.task;
  const task = taskOf(workload, () => readPrepared(data));
  last = { key, task };
  task.catch(() => {
    if (last?.task === task) last = null;
  });
  return task;
}

/** @throws {DatasetError} */
export async function taskOf(workloadName: string, read: () => PreparedData): Promise<LoadedTask> {
  const workload = workloadNamed(workloadName);
  const { holds, data } = read();
  if (holds !== workload.takes)
    throw new DatasetError(`the data set holds ${holds}; the workload ${workload.name} takes ${workload.takes}`);
  // The compiler does not see that the two are of one kind.
  return (workload.load as (samples: PreparedData['data']) => Promise<LoadedTask>)(data);
}

/** @throws {DatasetError} */
export function workloadNamed(name: string): Workload {
  const workload = partNamed(WORKLOADS, name);
  if (!workload) throw new DatasetError(unknownPart('workload', name, WORKLOADS));
  return workload;
}
