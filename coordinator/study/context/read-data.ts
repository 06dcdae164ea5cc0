/** A study's data: noted when it begins, compared whenever it goes on. */
import { DatasetChangedError } from '../../training/training-service.ts';
import type { StudyContext } from './study-context.ts';

/** Notes what the data are, or compares them with what they were. @throws {DatasetChangedError} */
export async function readData({ training, spec, state, emit }: StudyContext): Promise<void> {
  const { evidence } = await training.checkDataset(spec.workload, spec.dataset);
  if (state.data === null) emit({ type: 'dataset-read', evidence });
}

/** Whether a run ended because its data are others: nothing has failed, and it goes on when they are put back. */
export function isOfOtherData(error: unknown): boolean {
  return error instanceof DatasetChangedError;
}
