/** Data sets as training processes have them, read in the process of the test. */
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import { type PreparedData, writePrepared } from '../../../../coordinator/training/datasets/process/prepared-file.ts';
import { type ReadDataset, readDataset } from '../../../../coordinator/training/datasets/read-dataset.ts';
import { taskOf } from '../../../../coordinator/training/load-task.ts';
import type { LoadedTask } from '../../../../coordinator/training/workloads/workload.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

export async function loaded(workload: string, dataset: DatasetSpec): Promise<LoadedTask> {
  const { holds, finished } = await readDataset(dataset);
  return taskOf(workload, () => ({ holds, data: finished.data }) as PreparedData);
}

/** The file of its samples. */
export async function prepared(t: Parameters<typeof temporaryFolder>[0], dataset: DatasetSpec): Promise<string> {
  return writePrepared(temporaryFolder(t), await readDataset(dataset));
}

/** What was said of it: "warning: …". */
export const noticesOf = ({ notices }: ReadDataset) => notices.list.map(({ level, message }) => `${level}: ${message}`);
