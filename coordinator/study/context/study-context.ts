/** What the parts of a running study share. */
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { StudySpec } from '@edgetune/shared/domain/study.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { StudyParts } from '@edgetune/shared/domain/study-parts.ts';
import type { ModelAnalysis } from '@edgetune/shared/onnx/analyse.ts';
import type { Clock } from '../../fleet/clock.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { InferenceServer } from '../../inference/inference-server.ts';
import type { CorePool } from '../../training/core-pool.ts';
import type { TrainingService } from '../../training/training-service.ts';
import type { TunerParts } from '../../tuner/tuner-parts.ts';
import type { StudyDevices } from '../devices/study-devices.ts';
import type { StudyProjection } from '../state/projection.ts';
import type { BlobStore } from './blob-store.ts';

/** A study as it was written and checked; where it named no search space it has the workload's. */
export type CheckedStudySpec = StudySpec & { space: SearchSpace };

export interface StudyPorts {
  /** What a study may name, and what its tuner is put together of. */
  parts: TunerParts & Pick<StudyParts, 'workloads' | 'formats'>;
  training: TrainingService;
  inference: InferenceServer;
  fleet: Pick<Fleet, 'devices' | 'subscribe'>;
  blobs: BlobStore;
  cores: Pick<CorePool, 'total' | 'acquire'>;
  /** By which devices in trouble are tried again. */
  clock: Clock;
  /** Reads a model's graph. @throws where it is none */
  analyse(onnx: Uint8Array): Pick<ModelAnalysis, 'signature' | 'macs' | 'parameters' | 'kernels' | 'weightBytes'>;
}

export interface StudyContext extends StudyPorts, StudyDevices {
  studyId: string;
  spec: CheckedStudySpec;
  /** Everything that has happened so far. */
  state: StudyProjection;
  /** Applies events to `state` and has them written, in order; who listens is told when they are. */
  emit(...bodies: StudyEventBody[]): void;
  /** Calls back for everything that happens from now on, applied to `state` already; returns the function that ends it. */
  subscribe(listener: (body: StudyEventBody) => void): () => void;
  /**
   * Resolves when everything that was emitted is written durably: awaited before the run does what lasts longer than it
   * (trains, asks a board). Rejects where that fails, and with the reason of `signal`.
   */
  written(): Promise<void>;
  /** Emits a stretch of work on a lane; its times are on the wall clock in milliseconds since 1970. */
  span(span: Omit<Extract<StudyEventBody, { type: 'span' }>, 'type'>): void;
  /** Keeps blobs that no event names yet from being cleaned up while the study runs. */
  keep(...sha256s: string[]): void;
  /** Numbers of the training lanes in use: a trial that trains takes the lowest free one. */
  lanes: Set<number>;
  /** Aborted when the study is stopped or the coordinator ends. */
  signal: AbortSignal;
}
