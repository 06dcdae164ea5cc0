/** What can be trained: a workload takes data, builds its models, and says what an exported model expects. */
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { WorkloadInfo } from '@edgetune/shared/domain/study-parts.ts';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { DataKind, DataKinds } from '../datasets/data-kinds.ts';

export type SplitName = 'train' | 'validation' | 'test';

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

interface WorkloadOf<Kind extends DataKind> extends WorkloadInfo {
  readonly takes: Kind;
  /**
   * Makes a task of data that were read. TensorFlow is imported here and not before: a workload's file is also read to
   * check a study, and where nothing is trained.
   * @throws {import('../training-service.ts').DatasetError} where there are too few data
   */
  load(data: DataKinds[Kind]): Promise<LoadedTask>;
}
export type Workload = { [Kind in DataKind]: WorkloadOf<Kind> }[DataKind];
