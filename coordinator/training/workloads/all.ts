/** The workloads that there are. A new one is one more line here. */
import { imageClassifier } from './image-classifier.ts';
import { keywordSpotter } from './keyword-spotter.ts';
import { textClassifier } from './text-classifier.ts';
import type { Workload } from './workload.ts';

export const WORKLOADS: readonly Workload[] = [imageClassifier, keywordSpotter, textClassifier];
