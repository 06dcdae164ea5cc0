/** What the parts of a running study share, with stand-ins for all that is around them; events are written at once. */
import { studySpecSchema } from '@edgetune/shared/domain/study.ts';
import type { StudyDevice, StudyEventBody } from '@edgetune/shared/domain/study-event.ts';
import type { InferenceServer } from '../../../../coordinator/inference/inference-server.ts';
import type { CheckedStudySpec, StudyContext } from '../../../../coordinator/study/context/study-context.ts';
import { studyDevices } from '../../../../coordinator/study/devices/study-devices.ts';
import { StudyProjection } from '../../../../coordinator/study/state/projection.ts';
import { createCorePool } from '../../../../coordinator/training/core-pool.ts';
import { DATASET_FORMATS } from '../../../../coordinator/training/datasets/all.ts';
import type { TrainingService } from '../../../../coordinator/training/training-service.ts';
import { imageClassifier } from '../../../../coordinator/training/workloads/image-classifier.ts';
import { TUNER_PARTS } from '../../../../coordinator/tuner/tuner-parts.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { AT, type EventOf, sha } from './events.ts';
import { analyseFake, fakeFleet, fakeInference, fakeTraining, space } from './fakes.ts';

export interface ContextOptions {
  /** Laid over a study for pi and orin with seed 7. */
  spec?: object;
  history?: StudyEventBody[];
  training?: Partial<TrainingService>;
  inference?: InferenceServer;
  devices?: ReturnType<typeof fakeFleet>;
  cores?: number;
  clock?: TestClock;
}

/** Blobs in memory; each of the first sixteen is named by the digit of its number. */
function memoryBlobs() {
  const stored: Uint8Array[] = [];
  const nameOf = (index: number) => (index < 16 ? sha(index.toString(16)) : index.toString(16).padStart(64, '0'));
  return {
    stored,
    async put(bytes: Uint8Array) {
      const known = stored.findIndex((each) => Buffer.from(each).equals(bytes));
      return nameOf(known >= 0 ? known : stored.push(bytes) - 1);
    },
    async get(sha256: string) {
      return stored.find((_, index) => nameOf(index) === sha256) as Uint8Array;
    },
    has: () => true,
    path: () => null,
    collect: async () => 0,
  };
}

export function studyContext(options: ContextOptions = {}) {
  const spec = studySpecSchema.parse({
    ...{ name: 'test', dataset: { format: 'synthetic-images' }, devices: ['pi', 'orin'], tuner: { seed: 7 } },
    ...{ budget: { minEpochs: 1, maxEpochs: 4, minDataFraction: 0.5, reductionFactor: 2 }, space },
    ...options.spec,
  }) as CheckedStudySpec;
  const ending = new AbortController();
  const devices = options.devices ?? fakeFleet(['pi', 'orin']);
  const blobs = memoryBlobs();
  const emitted: StudyEventBody[] = [];
  const kept: string[] = [];
  /** Called when the run waits until its events are written. */
  const writing = { wait: async () => {} };
  const state = new StudyProjection();
  const apply = (body: StudyEventBody) => state.apply({ seq: state.lastSeq + 1, studyId: 's-1', at: AT, body });
  const { fleet } = devices;
  const deviceIds = Object.fromEntries(fleet.devices().map(({ id, name }) => [name, id]));
  apply({ type: 'study-created', spec, deviceIds });
  for (const body of options.history ?? []) apply(body);
  const standing = (device: string) => state.devices.get(device) as StudyDevice;
  const followers = new Set<(body: StudyEventBody) => void>();
  const clock = options.clock ?? new TestClock();
  const onChange = (device: StudyDevice) => context.emit({ type: 'study-device', ...device });
  const context: StudyContext = {
    studyId: 's-1',
    spec,
    state,
    signal: ending.signal,
    lanes: new Set(),
    parts: { ...TUNER_PARTS, workloads: [{ ...imageClassifier, defaultSpace: space }], formats: DATASET_FORMATS },
    training: { ...fakeTraining().service, ...options.training },
    inference: options.inference ?? fakeInference().service,
    fleet,
    clock,
    blobs,
    cores: createCorePool(options.cores ?? 2),
    analyse: analyseFake,
    ...studyDevices({
      ...{ devices: spec.devices, fleet, clock, standingOf: standing, onChange },
      waitsForAll: spec.deterministic,
      measuredClassOf: (device) => state.classMeasuredOn(device),
    }),
    subscribe: (listener) => {
      followers.add(listener);
      return () => followers.delete(listener);
    },
    keep: (...sha256s) => void kept.push(...sha256s),
    emit: (...bodies) => {
      for (const body of bodies) {
        emitted.push(body);
        apply(body);
        for (const follow of [...followers]) follow(body);
      }
    },
    written: () => writing.wait(),
    span: (span) => context.emit({ type: 'span', ...span }),
  };
  const of = <T extends StudyEventBody['type']>(type: T) =>
    emitted.filter((body) => body.type === type) as EventOf<T>[];
  return { context, emitted, of, kept, blobs, devices, clock, writing, end: (reason: Error) => ending.abort(reason) };
}
