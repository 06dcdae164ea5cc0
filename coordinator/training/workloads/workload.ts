/** What can be trained: a workload reads its data, builds its models, and says what an exported model expects. */
import type { Candidate, SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { DatasetSpec, WorkloadName } from '@edgetune/shared/domain/study.ts';
import type { LayersModel } from '@tensorflow/tfjs-layers';

export type SplitName = 'train' | 'validation' | 'test';

/** What may be known of a workload without loading TensorFlow. */
export interface WorkloadInfo {
  name: WorkloadName;
  description: string;
  /** The search space of a study that names none. Every parameter that the workload reads is in it. */
  defaultSpace: SearchSpace;
  /** A complete study as YAML, to start from. */
  exampleYaml: string;
}

/** A workload with its data in memory. */
export interface LoadedTask {
  classes: string[];
  /** Shape of one sample as the tfjs model takes it, such as [height, width, channels]. */
  inputShape: number[];
  /** Class of each sample of a split. */
  labels(split: SplitName): Uint8Array;
  /** Normalised samples, one after the other, in `inputShape`. */
  inputs(split: SplitName, indices: ArrayLike<number>): Float32Array;
  /** A model with new weights whose output are logits, one a class. The graph depends on the model parameters only. */
  buildModel(candidate: Candidate, seed: number): LayersModel;
  /** For the metadata of the exported ONNX model: how to make its input from raw data. */
  metadata: Record<string, string>;
}

export interface Workload extends WorkloadInfo {
  /** @throws {import('../training-service.ts').DatasetError} */
  load(dataset: DatasetSpec): LoadedTask;
}
