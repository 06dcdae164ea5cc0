/** The workloads, by name. */
import type { WorkloadName } from '@edgetune/shared/domain/study.ts';
import { DatasetError } from '../training-service.ts';
import { imageClassifier } from './image-classifier.ts';
import { keywordSpotter } from './keyword-spotter.ts';
import { textClassifier } from './text-classifier.ts';
import type { Workload } from './workload.ts';

const WORKLOADS: readonly Workload[] = [imageClassifier, keywordSpotter, textClassifier];

/** @throws {DatasetError} where this version has no such workload */
export function workloadNamed(name: WorkloadName): Workload {
  const workload = WORKLOADS.find((entry) => entry.name === name);
  if (!workload)
    throw new DatasetError(
      `this version of EdgeTune cannot train the workload "${name}": it has ${WORKLOADS.map((entry) => entry.name).join(', ')}`,
    );
  return workload;
}
