/** Looks at processes through Linux' /proc, and the task that the tests of the training service share. */
import { readFileSync } from 'node:fs';
import { datasetSchema } from '@edgetune/shared/domain/study.ts';
import type { TrialTask } from '../../../../coordinator/training/training-service.ts';

export const SMALL_TASK: TrialTask = {
  workload: 'image-classifier',
  dataset: datasetSchema.parse({
    format: 'synthetic-images',
    classes: 4,
    samples: 300,
    imageSize: 12,
    channels: 1,
  }),
  candidate: { width: 8, depth: 1, block: 'residual', learningRate: 0.01, batchSizeTraining: 32 },
  seed: 3,
};

/** Ids of a process' children that run Node. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('training-child'));
}

/** The letter of a process' state ("T": stopped), or null where it is gone; one that has ended but not been reaped is gone. */
export function stateOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const state = stat.slice(stat.lastIndexOf(')') + 2)[0] as string;
    return state === 'Z' ? null : state;
  } catch {
    return null;
  }
}
