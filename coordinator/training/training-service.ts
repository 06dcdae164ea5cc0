/** What a study needs of training: build an architecture, train it for a budget, export it, evaluate it. */
import type { Budget } from '@edgetune/shared/domain/budget.ts';
import type { Confusion } from '@edgetune/shared/domain/classification.ts';
import type { DatasetEvidence } from '@edgetune/shared/domain/dataset-report.ts';
import type { Objective } from '@edgetune/shared/domain/objective.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { DatasetSpec } from '@edgetune/shared/domain/study.ts';
import type { Metrics } from '@edgetune/shared/domain/study-event.ts';

/** What defines a trial's model and data. */
export interface TrialTask {
  workload: string;
  dataset: DatasetSpec;
  /** The content that is meant, as `CheckedDataset` has it; absent: whatever is there now. */
  dataSha256?: string | undefined;
  candidate: Candidate;
  /** Seeds weights, shuffling and data subsets; the same for every rung of a trial. */
  seed: number;
}

/** A trial with its samples at hand: inside training processes. */
export interface PreparedTask extends TrialTask {
  /** The file of its samples: see `datasets/process/prepared-file.ts`. */
  data: string;
}

export interface TrainRequest extends TrialTask {
  /** Cumulative: a trial resumed from a checkpoint runs only the epochs that are missing. */
  budget: Budget;
  /** By which metric epochs are compared, and which way: the best is what is exported. Of equals the smaller loss. */
  judgedBy: Pick<Objective, 'metric' | 'direction'>;
  /** Cores for this trial (the system parameter `trainingCores`, capped to the machine). */
  cores: number;
  /** The checkpoint to resume from; null: start from new weights. */
  checkpoint: Uint8Array | null;
}

export interface EpochReport {
  /** Epochs done in all. */
  epoch: number;
  /** As of an `Evaluation`, on the validation samples that judge epochs; `trainLoss`. */
  metrics: Metrics;
}

export interface TrainOutcome {
  /** Of the state that would be exported, the best of all epochs, on the whole validation split. */
  metrics: Metrics;
  /** Of the last state, from which training goes on, and of the best. */
  checkpoint: Uint8Array;
  epochs: number;
  /** After how many of them the best state stood. */
  bestEpoch: number;
  seconds: number;
  cpuSeconds: number;
  energyJ: number;
  energySource: 'meter' | 'estimate';
  /** Such as "tfjs-node 4.22.0" or "tfjs-wasm 4.22.0 (simd)". */
  backend: string;
}

/** An architecture with untrained weights: the graph that will be exported. */
export interface BuiltArchitecture {
  onnx: Uint8Array;
  /** By how many bytes the exported file is larger: the labels and the candidate stand in it, too. */
  metadataBytes: number;
}

export interface ExportedModel {
  onnx: Uint8Array;
  /** Markdown, to lie beside the model. */
  modelCard: string;
}

/** A data set that was read whole. */
export interface CheckedDataset {
  /** With its format, where that was found out. */
  dataset: DatasetSpec;
  evidence: DatasetEvidence;
}

/** How well a classifier does on a split. */
export interface Evaluation {
  samples: number;
  /** `accuracy`, `loss`, `f1`, `top5` where there are more than five classes, and `precision.CLASS`, `recall.CLASS`. */
  metrics: Metrics & { accuracy: number; loss: number; f1: number };
  /** In the order of the classes. */
  confusion: Confusion;
}

export interface TrainingService {
  /**
   * Reads the data set, in a process of its own; one that was read before and has not changed is known still.
   * @param dataSha256 the content that is meant; absent: whatever is there now
   * @throws {DatasetError} saying what is missing and where, {DatasetChangedError} where it is not what is meant
   */
  checkDataset(workload: string, dataset: DatasetSpec, dataSha256?: string): Promise<CheckedDataset>;
  /** Its ONNX is deterministic in the task's model parameters. */
  buildArchitecture(task: TrialTask): Promise<BuiltArchitecture>;
  /**
   * Trains in a child process. Aborting `signal` ends it within a second and rejects with the signal's reason.
   * @throws {ChildDiedError} where the process was killed
   */
  train(request: TrainRequest, onEpoch: (report: EpochReport) => void, signal: AbortSignal): Promise<TrainOutcome>;
  /** The best state of a checkpoint. @throws {DivergedError} where its weights are not finite */
  exportTrained(task: TrialTask, checkpoint: Uint8Array): Promise<ExportedModel>;
  /** How well an exported model does in ONNX Runtime, on a split. @throws {DivergedError} where its answers are no numbers */
  evaluateOnnx(
    task: Pick<TrialTask, 'workload' | 'dataset' | 'dataSha256'>,
    onnx: Uint8Array,
    split: 'validation' | 'test',
  ): Promise<Evaluation>;
  /**
   * The int8 variant of an exported model, calibrated on samples of the training split.
   * @throws {QuantiseError}
   */
  quantise(task: Pick<TrialTask, 'workload' | 'dataset' | 'dataSha256'>, onnx: Uint8Array): Promise<Uint8Array>;
  /**
   * An int8 variant of any float model, calibrated on random inputs: it costs what the real one would, but its answers
   * mean nothing. `dimensions`: sizes of its symbolic dimensions other than the batch.
   * @throws {QuantiseError}
   */
  quantiseWithoutData(onnx: Uint8Array, dimensions: Readonly<Record<string, number>>): Promise<Uint8Array>;
  /** The name of the backend that trains here, found by trying: see the log line. */
  backend(): Promise<string>;
  /** Stops all training processes where they are (host lease) until the returned function is called. Re-entrant. */
  pause(): () => void;
  close(): Promise<void>;
}

/** A training process that ended before it answered: it was killed, for want of memory perhaps. It says nothing of the task. */
export class ChildDiedError extends Error {
  override name = 'ChildDiedError';
}

/** Training that has left the numbers. */
export class DivergedError extends Error {
  override name = 'DivergedError';
}

/** A data set that is missing, malformed or of the wrong kind for the workload. */
export class DatasetError extends Error {
  override name = 'DatasetError';
}

/** Data that are not those any more with which a study has begun: its trials could not be compared. */
export class DatasetChangedError extends DatasetError {
  override name = 'DatasetChangedError';
  constructor({ path, format }: DatasetSpec, how: string) {
    super(
      `the data set ${typeof path === 'string' ? path : format} is not what the study began with: ${how}. Put it back as it was and resume the study, or start a new one with the data as they are`,
    );
  }
}
