/** Stand-ins for the study's ports: a training service and a fleet that answer at once, or when the test says so. */

import { randomUUID } from 'node:crypto';
import type { BoardDescription, DeviceView } from '@edgetune/shared/domain/device.ts';
import { inferenceConfigSchema, type Precision } from '@edgetune/shared/domain/inference-config.ts';
import type { StoredMeasurement } from '@edgetune/shared/domain/measurement.ts';
import { metricsOf } from '@edgetune/shared/domain/measurement-metrics.ts';
import { METRICS, violationOf } from '@edgetune/shared/domain/objective.ts';
import type { SearchSpace } from '@edgetune/shared/domain/search-space.ts';
import type { StudyEvent } from '@edgetune/shared/domain/study-event.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { type Clock, systemClock } from '../../../../coordinator/fleet/clock.ts';
import type { Fleet } from '../../../../coordinator/fleet/fleet.ts';
import type { InferenceServer } from '../../../../coordinator/inference/inference-server.ts';
import { openStore, type Store } from '../../../../coordinator/store/store.ts';
import { createStudyService } from '../../../../coordinator/study/create-study-service.ts';
import { createSpanBus } from '../../../../coordinator/study/span-bus.ts';
import { createCorePool } from '../../../../coordinator/training/core-pool.ts';
import { DATASET_FORMATS } from '../../../../coordinator/training/datasets/all.ts';
import type { TrainingService } from '../../../../coordinator/training/training-service.ts';
import { imageClassifier } from '../../../../coordinator/training/workloads/image-classifier.ts';
import { TUNER_PARTS } from '../../../../coordinator/tuner/tuner-parts.ts';
import { standInData } from '../../../../scripts/soak/stand-in-data.ts';
import { measurementAt, storedMeasurement } from '../../../support/measurement.ts';
import { Arrival, until } from '../../../support/waiting.ts';
import { evaluation } from './evaluations.ts';

export const space: SearchSpace = {
  model: { width: { type: 'ordinal', values: [1, 2, 3, 4, 5, 6, 7, 8] } },
  training: { learningRate: { type: 'float', min: 0, max: 1, scale: 'linear' } },
  system: {},
  inference: { batchSize: { type: 'ordinal', values: [1, 4] } },
};

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** Accuracy that an int8 variant costs, and its latency as a share of the float model's. */
export const INT8_LOSS = 0.005;
export const INT8_LATENCY = 0.5;

/** So many, and so many samples, that hardly any model is as bad as chance. */
const CLASSES = Array.from({ length: 1000 }, (_, index) => `class ${index}`);

/** A "model" is the JSON of its width; accuracy grows with width and epochs. */
export function fakeTraining(
  hooks: { beforeTraining?: (trial: { width: number; epochs: number; signal: AbortSignal }) => Promise<void> } = {},
) {
  const trained: { width: number; from: number; to: number }[] = [];
  const service: TrainingService = {
    checkDataset: async (_workload, dataset) => ({
      ...standInData({
        classes: CLASSES,
        samplesByClass: { train: [], validation: CLASSES.map(() => 1_000_000 / CLASSES.length), test: [] },
      }),
      dataset,
    }),
    buildArchitecture: async ({ candidate }) => ({
      onnx: encode({ width: candidate.width }),
      metadataBytes: 0,
    }),
    async train({ candidate, budget, checkpoint }, onEpoch, signal) {
      const width = Number(candidate.width);
      const from = checkpoint ? decode(checkpoint).epochs : 0;
      await hooks.beforeTraining?.({ width, epochs: budget.epochs, signal });
      signal.throwIfAborted();
      const accuracy = (epochs: number) => (width / 10) * (1 - 0.5 ** epochs);
      for (let epoch = from + 1; epoch <= budget.epochs; epoch++)
        onEpoch({ epoch, metrics: { accuracy: accuracy(epoch), loss: 1 } });
      trained.push({ width, from, to: budget.epochs });
      return {
        metrics: { accuracy: accuracy(budget.epochs), loss: 1 },
        checkpoint: encode({ width, epochs: budget.epochs }),
        epochs: budget.epochs,
        bestEpoch: budget.epochs,
        seconds: 1,
        cpuSeconds: 1,
        energyJ: 5,
        energySource: 'estimate',
        backend: 'fake',
      };
    },
    exportTrained: async (_task, checkpoint) => ({
      onnx: encode({ ...decode(checkpoint), trained: true }),
      modelCard: '# card',
    }),
    quantise: async (_task, onnx) => encode({ width: decode(onnx).width, int8: true }),
    quantiseWithoutData: async (onnx) => encode({ width: decode(onnx).width, int8: true }),
    evaluateOnnx: async (_task, onnx) => evaluation(decode(onnx).width / 10 - (decode(onnx).int8 ? INT8_LOSS : 0)),
    backend: async () => 'fake',
    pause: () => () => {},
    close: async () => {},
  };
  return { service, trained };
}

/** Latency is the width in milliseconds on every device. */
export function fakeInference(
  hooks: {
    beforeAnswer?: (request: { width: number; device: string; signal: AbortSignal }) => Promise<void>;
    /** Why a device cannot be measured now; null: it can. */
    whyUnfit?: (request: { device: string; purpose: string }) => string | null;
  } = {},
) {
  const asked: { signature: string; device: string; purpose: string }[] = [];
  const service: InferenceServer = {
    async tune({ signature, modelSha256, variants, device, constraints, purpose }, onMeasured, signal) {
      asked.push({ signature, device: device.name, purpose });
      const width = Number(signature.slice(1));
      await hooks.beforeAnswer?.({ width, device: device.name, signal });
      signal.throwIfAborted();
      const unfit = hooks.whyUnfit?.({ device: device.name, purpose }) ?? null;
      if (unfit !== null)
        return { best: null, feasible: false, violation: Infinity, all: [], front: [], reason: unfit, unfit };
      const int8 = variants?.int8 && 'signature' in variants.int8 ? variants.int8 : null;
      const all = [
        ...(int8 ? [measured(device, int8.signature, int8.modelSha256, INT8_LATENCY * width, 'int8')] : []),
        measured(device, signature, modelSha256, width),
      ];
      for (const each of all) onMeasured(each, 'measured');
      const measurement = all[0] as StoredMeasurement;
      const metrics = metricsOf(measurement);
      const violation = constraints
        .filter(({ metric }) => METRICS[metric]?.of === 'device')
        .filter((constraint) => constraint.device === undefined || constraint.device === device.name)
        .reduce((sum, constraint) => sum + violationOf(constraint, metrics[constraint.metric] ?? 0), 0);
      return {
        best: measurement,
        feasible: violation === 0,
        violation,
        all: all.map((each) => ({ measurement: each, source: 'measured' })),
        front: [measurement],
        reason: violation === 0 ? null : 'too slow',
      };
    },
  };
  return { service, asked };
}

function measured(
  device: DeviceView,
  signature: string,
  modelSha256: string,
  latencyMs: number,
  precision: Precision = 'float32',
): StoredMeasurement {
  return storedMeasurement({
    id: randomUUID(),
    deviceId: device.id,
    deviceName: device.name,
    ...measurementAt(latencyMs, {
      signature,
      modelSha256,
      config: inferenceConfigSchema.parse({ batchSize: 1, threads: 1, precision }),
      deviceClass: 'fake',
      peakMemoryBytes: 1e6,
      cost: { deviceSeconds: 1, deviceJoules: 2 },
      simulated: true,
      startedAt: new Date().toISOString(),
    }),
  });
}

/** A fleet of named devices whose presence the test sets. */
export function fakeFleet(names: readonly string[], presence: DeviceView['presence'] = 'online') {
  const listeners = new Set<Parameters<Fleet['subscribe']>[0]>();
  let made = 0;
  const member = (name: string): DeviceView => ({
    id: `d-${String(made++).padStart(12, '0')}`,
    name,
    presence,
    board: {} as BoardDescription,
    deviceClass: 'fake',
    addedAt: '',
    lastSeenAt: null,
    onCoordinatorHost: false,
    runningJobs: 0,
    queuedJobs: 0,
  });
  const devices = names.map(member);
  const tell = (device: DeviceView) => {
    for (const listener of listeners) listener({ type: 'device', device });
  };
  return {
    fleet: {
      devices: () => devices,
      subscribe: (listener: Parameters<Fleet['subscribe']>[0]) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    /** How many are told of changes. */
    listening: () => listeners.size,
    setPresence(name: string, next: DeviceView['presence']) {
      const device = devices.find((entry) => entry.name === name) as DeviceView;
      device.presence = next;
      tell(device);
    },
    /** Says of a device what everybody knows. */
    tell,
    remove(name: string) {
      const [device] = devices.splice(
        devices.findIndex((entry) => entry.name === name),
        1,
      );
      tell(device as DeviceView);
    },
    /** Under an id of its own. */
    add(name: string, change: Partial<DeviceView> = {}): DeviceView {
      const device = { ...member(name), ...change };
      devices.push(device);
      tell(device);
      return device;
    },
  };
}

export function analyseFake(onnx: Uint8Array) {
  const { width, int8 } = decode(onnx);
  return {
    signature: int8 ? `i${width}` : `w${width}`,
    macs: width * 1e6,
    parameters: width * 100,
    kernels: [],
    weightBytes: width * 400,
  };
}

/** A study service over a real store and the given stand-ins. */
export function studyService(options: {
  directory: string;
  training?: TrainingService;
  inference?: InferenceServer;
  fleet?: ReturnType<typeof fakeFleet>['fleet'];
  cores?: number;
  clock?: Clock;
  otherBlobsInUse?: () => string[];
  log?: (message: string) => void;
}) {
  const store: Store = openStore(options.directory);
  const spans = createSpanBus();
  const service = createStudyService({
    studies: store.studies,
    blobs: store.blobs,
    training: options.training ?? fakeTraining().service,
    inference: options.inference ?? fakeInference().service,
    fleet: options.fleet ?? fakeFleet(['pi', 'orin']).fleet,
    cores: createCorePool(options.cores ?? 2),
    clock: options.clock ?? systemClock,
    analyse: analyseFake,
    parts: { ...TUNER_PARTS, workloads: [{ ...imageClassifier, defaultSpace: space }], formats: DATASET_FORMATS },
    spans,
    troubles: store.troubles,
    log: plainLogger(options.log ?? (() => {})),
    ...(options.otherBlobsInUse ? { otherBlobsInUse: options.otherBlobsInUse } : {}),
  });
  return {
    service,
    store,
    spans,
    /** Ends the service as a shutdown does; the store can be opened again. */
    async close() {
      await service.close();
      store.close();
    },
  };
}

/** Resolves when the study has come to one of these states. */
export async function untilState(service: ReturnType<typeof createStudyService>, id: string, ...states: string[]) {
  await until(`the study to be ${states.join(' or ')}`, () => states.includes(service.find(id)?.state ?? ''), {
    // A whole study, with all its trials.
    seconds: 60,
    changes: (listener) => service.subscribeAll(listener),
  });
  const study = service.find(id);
  if (!study) throw new Error(`no study ${id}`);
  return study;
}

/** Waits for an event of the study that matches, from the moment of the call on. */
export async function untilEvent(
  what: string,
  service: ReturnType<typeof createStudyService>,
  id: string,
  matches: (event: StudyEvent) => boolean,
): Promise<void> {
  const come = new Arrival(what);
  const end = service.subscribe(id, (event) => matches(event) && come.come());
  await come.wait().finally(end);
}
