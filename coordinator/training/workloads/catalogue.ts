/** What workloads there are, without loading TensorFlow: for checking studies and for the New study page. */
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { WorkloadName } from '@edgetune/shared/domain/study.ts';
import { imageClassifierInfo } from './image-classifier-info.ts';
import { keywordSpotterInfo } from './keyword-spotter-info.ts';
import { textClassifierInfo } from './text-classifier-info.ts';
import type { WorkloadInfo } from './workload.ts';

export const WORKLOAD_CATALOGUE: readonly WorkloadInfo[] = [
  imageClassifierInfo,
  keywordSpotterInfo,
  textClassifierInfo,
];

/** The workload's own search space; an empty one for a workload that this version does not have. */
export function defaultSpaceOf(name: WorkloadName): SearchSpace {
  const info = WORKLOAD_CATALOGUE.find((entry) => entry.name === name);
  return info?.defaultSpace ?? { model: {}, training: {}, system: {}, inference: {} };
}
