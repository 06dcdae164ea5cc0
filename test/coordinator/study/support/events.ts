/** Events of a study of which a test says only what it is about. */
import type { InferenceConfig } from '@edgetune/shared/domain/inference-config.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import type { StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import { StudyProjection } from '../../../../coordinator/study/state/projection.ts';

export type EventOf<T extends StudyEventBody['type']> = Extract<StudyEventBody, { type: T }>;
type Change<T extends StudyEventBody['type']> = Partial<EventOf<T>>;

export const AT = '2026-01-01T00:00:00.000Z';
/** A SHA-256 by a hexadecimal digit. */
export const sha = (digit: string) => digit.repeat(64);
export const CONFIG: InferenceConfig = {
  batchSize: 1,
  threads: 1,
  clockKHz: null,
  precision: 'float32',
  executionProvider: 'cpu',
  runner: 'onnxruntime-node',
};

export const asked = (
  trialId: number,
  candidate: Candidate = { width: 1 },
  change: Change<'trial-asked'> = {},
): EventOf<'trial-asked'> => ({
  type: 'trial-asked',
  ask: trialId,
  trialId,
  rung: 0,
  bracket: 0,
  candidate,
  budget: { epochs: 1, dataFraction: 0.5 },
  proposedBy: 'initial',
  ...change,
});

/** An architecture of 100 parameters, 1000 MACs and 400 bytes. */
export const built = (trialId: number, change: Change<'architecture-built'> = {}): EventOf<'architecture-built'> => ({
  type: 'architecture-built',
  trialId,
  signature: `w${trialId}`,
  modelSha256: sha('a'),
  modelBytes: 400,
  parameters: 100,
  macs: 1000,
  ...change,
});

/** A rung of 10 s and 5 J. */
export const trained = (
  trialId: number,
  metrics: Record<string, number> = { accuracy: 0.5 },
  change: Change<'training-finished'> = {},
): EventOf<'training-finished'> => ({
  type: 'training-finished',
  trialId,
  rung: 0,
  metrics,
  checkpointSha256: sha('c'),
  seconds: 10,
  cpuSeconds: 20,
  energyJ: 5,
  energySource: 'estimate',
  ...change,
});

export const told = (
  trialId: number,
  metrics: Record<string, number> = { accuracy: 0.5 },
  change: Change<'trial-told'> = {},
): EventOf<'trial-told'> => ({
  type: 'trial-told',
  trialId,
  rung: 0,
  status: 'ok',
  metrics,
  predicted: [],
  violation: 0,
  cost: { seconds: 10, joules: 5 },
  reason: null,
  ...change,
});

/** A device's best config, of 2 ms, found by three of ten measurements. */
export const answered = (
  trialId: number,
  device: string,
  change: Change<'inference-finished'> = {},
): EventOf<'inference-finished'> => ({
  type: 'inference-finished',
  trialId,
  signature: `w${trialId}`,
  device,
  best: CONFIG,
  feasible: true,
  violation: 0,
  metrics: { 'latency.p50': 2 },
  measurements: 3,
  possible: 10,
  reason: null,
  ...change,
});

/** What these events amount to; they are numbered from 1. */
export const projected = (...bodies: StudyEventBody[]) =>
  new StudyProjection(bodies.map((body, index) => ({ seq: index + 1, studyId: 's-1', at: AT, body })));
