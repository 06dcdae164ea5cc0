/**
 * A coordinator's studies over simulated boards in this process, on a data directory of their own: with a training that
 * costs nothing, so that a whole study takes a second, and with what happens besides left to chance.
 */
import { createHash } from 'node:crypto';
import { boardProfileNamed } from '@edgetune/shared/costmodel/board-profiles.ts';
import { type DeviceView, deviceClassOf } from '@edgetune/shared/domain/device.ts';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import { createSimulatedBoard } from '../../agent/simulated/simulated-board.ts';
import { OnnxGraphBuilder } from '../../coordinator/export/onnx-graph-builder.ts';
import type { Clock } from '../../coordinator/fleet/clock.ts';
import { type Fleet, JobFailedError } from '../../coordinator/fleet/fleet.ts';
import { createInferenceServer } from '../../coordinator/inference/create-inference-server.ts';
import { PARTS } from '../../coordinator/parts.ts';
import { openStore } from '../../coordinator/store/store.ts';
import { createStudyService } from '../../coordinator/study/create-study-service.ts';
import { createSpanBus } from '../../coordinator/study/span-bus.ts';
import { createCorePool } from '../../coordinator/training/core-pool.ts';
import type { TrainingService } from '../../coordinator/training/training-service.ts';

/** A device that a world has: what goes wrong with it is up to whoever made it. */
export interface Member {
  id: string;
  name: string;
  profile: string;
  presence: DeviceView['presence'];
  /** Called before each measurement: throws what that device fails with. */
  trouble: () => void;
}

export interface WorldOptions {
  directory: string;
  members: Member[];
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
}

export interface World {
  studies: ReturnType<typeof createStudyService>;
  /** Members have come, gone or changed. */
  changed(): void;
  close(): Promise<void>;
}

export function createWorld({ directory, members, clock, random }: WorldOptions): World {
  const log = plainLogger(() => {});
  const store = openStore(directory, { log });
  const fleet = fleetOf(members, store.blobs, random);
  const studies = createStudyService({
    studies: store.studies,
    troubles: store.troubles,
    blobs: store.blobs,
    training: freeTraining(random),
    inference: createInferenceServer({
      measure: fleet.measure,
      history: store.measurements,
      blobs: store.blobs,
      stopRule: { minRuns: 5, minDurationMs: 50, maxDurationMs: 500 },
    }),
    fleet,
    cores: createCorePool(2),
    clock,
    analyse: (onnx) => analyseModel(onnx, { batchSize: 1, dimensions: {} }),
    spans: createSpanBus(),
    parts: PARTS,
    log,
  });
  return {
    studies,
    changed: fleet.changed,
    async close() {
      await studies.close();
      store.close();
    },
  };
}

/** So many turns of the event loop, more or less: who comes first is left to chance. */
async function aWhile(random: () => number): Promise<void> {
  for (let turns = Math.floor(random() * 4); turns >= 0; turns--) await new Promise(setImmediate);
}

function fleetOf(
  members: Member[],
  blobs: { get(sha256: string): Promise<Uint8Array> },
  random: () => number,
): Pick<Fleet, 'devices' | 'subscribe' | 'measure'> & { changed(): void } {
  const boards = new Map<string, ReturnType<typeof createSimulatedBoard>>();
  const boardOf = ({ profile }: Member) => {
    const board = boards.get(profile) ?? createSimulatedBoard({ profile: boardProfileNamed(profile), timeScale: 0 });
    boards.set(profile, board);
    return board;
  };
  const listeners = new Set<Parameters<Fleet['subscribe']>[0]>();
  const viewOf = (member: Member): DeviceView => {
    const board = boardOf(member).describe();
    return {
      ...{ id: member.id, name: member.name, presence: member.presence, board, deviceClass: deviceClassOf(board) },
      ...{ addedAt: '', lastSeenAt: null, onCoordinatorHost: false, runningJobs: 0, queuedJobs: 0 },
    };
  };
  let jobs = 0;
  return {
    devices: () => members.map(viewOf),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async measure(deviceId, request, { signal, studyId }) {
      const member = () => members.find(({ id }) => id === deviceId);
      await aWhile(random);
      // A job waits for a device that is away.
      while (member()?.presence === 'offline') {
        signal.throwIfAborted();
        await new Promise(setImmediate);
      }
      const found = member();
      found?.trouble();
      signal.throwIfAborted();
      if (!found) throw new JobFailedError('cancelled', `device ${deviceId} is not in the fleet any more`);
      const measurement = await boardOf(found).measure(request, await blobs.get(request.modelSha256), signal);
      await aWhile(random);
      member()?.trouble();
      return { ...measurement, id: `m-${deviceId}-${Date.now()}-${jobs++}`, deviceId, deviceName: found.name, studyId };
    },
    changed() {
      for (const member of members)
        for (const listener of listeners) listener({ type: 'device', device: viewOf(member) });
    },
  };
}

/** What was exported, by its bytes: the accuracy of a model is a function of its candidate and epochs. */
const exported = new Map<string, { candidate: Candidate; epochs: number }>();
const nameOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

/** Convolutions as wide and deep as the candidate says; `weight` tells the trained model from the untrained. */
function network({ width, depth }: Candidate, weight: number): Uint8Array {
  const builder = new OnnxGraphBuilder();
  const [channels, layers] = [Number(width), Number(depth)];
  const same = { pads: { ints: [1, 1, 1, 1] } };
  let last = 'input';
  for (let layer = 0; layer < layers; layer++) {
    const inputs = layer === 0 ? 3 : channels;
    const size = channels * inputs * 9;
    const kernel = builder.weights([channels, inputs, 3, 3], new Float32Array(size).fill(weight));
    last = builder.node('Conv', [last, kernel], same, ...(layer === layers - 1 ? ['output'] : []));
  }
  const dims = (count: number) => ['batch', count, 8, 8];
  return builder.finish({
    input: { name: 'input', dims: dims(3) },
    output: { name: 'output', dims: dims(channels) },
    metadata: {},
  });
}

function accuracyOf({ width, depth, learningRate }: Candidate, epochs: number): number {
  const size = Math.log2(Number(width) * Number(depth)) / 10;
  const skill = 1 - Math.abs(Math.log10(Number(learningRate)) + 2) / 4;
  return Math.min(0.99, (0.4 + size) * skill * (1 - 0.5 ** epochs));
}

function freeTraining(random: () => number): TrainingService {
  const whole = { train: 100, validation: 1000, test: 1000 };
  return {
    // What chance would reach is left open: any model of these may be recommended.
    checkDataset: async () => ({ samples: whole, classes: ['a', 'b', 'c'], validationSamplesByClass: [] }),
    buildArchitecture: async ({ candidate }) => ({ onnx: network(candidate, 0.01), metadataBytes: 0 }),
    async train({ candidate, budget, checkpoint }, onEpoch, signal) {
      const from = checkpoint ? decode(checkpoint).epochs : 0;
      for (let epoch = from + 1; epoch <= budget.epochs; epoch++) {
        await aWhile(random);
        signal.throwIfAborted();
        onEpoch({ epoch, metrics: { accuracy: accuracyOf(candidate, epoch), loss: 1 } });
      }
      return {
        metrics: { accuracy: accuracyOf(candidate, budget.epochs), loss: 1 },
        checkpoint: encode({ epochs: budget.epochs }),
        epochs: budget.epochs,
        bestEpoch: budget.epochs,
        ...{ seconds: 1, cpuSeconds: 1, energyJ: 5, energySource: 'estimate', backend: 'none' },
      };
    },
    async exportTrained({ candidate }, checkpoint) {
      const { epochs } = decode(checkpoint);
      const onnx = network(candidate, 0.02 + Number(candidate.learningRate) + epochs / 100);
      exported.set(nameOf(onnx), { candidate, epochs });
      return { onnx, modelCard: '# model' };
    },
    async evaluateOnnx(_task, onnx) {
      const { candidate, epochs } = exported.get(nameOf(onnx)) ?? { candidate: {}, epochs: 0 };
      const accuracy = accuracyOf(candidate, epochs);
      return { samples: 1000, metrics: { accuracy, loss: 1 - accuracy, f1: accuracy }, confusion: [] };
    },
    quantise: () => Promise.reject(new Error('not asked for')),
    quantiseWithoutData: () => Promise.reject(new Error('not asked for')),
    backend: async () => 'none',
    pause: () => () => {},
    close: async () => {},
  };
}
