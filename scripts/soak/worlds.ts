/**
 * A coordinator's fleet and studies in this process, on a data directory of their own: over boards in memory, and with a
 * training that costs nothing, so that a whole study takes a second. What happens besides is left to chance.
 */

import { createHash } from 'node:crypto';
import type { Candidate } from '@edgetune/shared/domain/search-space.ts';
import { plainLogger } from '@edgetune/shared/log/logger.ts';
import { analyseModel } from '@edgetune/shared/onnx/analyse.ts';
import type { MqttClient } from 'mqtt';
import { loadIdentity } from '../../coordinator/config/identity.ts';
import { OnnxGraphBuilder } from '../../coordinator/export/onnx-graph-builder.ts';
import type { Clock } from '../../coordinator/fleet/clock.ts';
import { createFleet, type ManagedFleet } from '../../coordinator/fleet/create-fleet.ts';
import { createInferenceServer } from '../../coordinator/inference/create-inference-server.ts';
import { PARTS } from '../../coordinator/parts.ts';
import { openStore } from '../../coordinator/store/store.ts';
import { createStudyService } from '../../coordinator/study/create-study-service.ts';
import { createSpanBus } from '../../coordinator/study/span-bus.ts';
import { createCorePool } from '../../coordinator/training/core-pool.ts';
import type { TrainingService } from '../../coordinator/training/training-service.ts';
import { aWhile, type Line, type MemoryAgent, Wire } from './memory-agents.ts';
import { standInData } from './stand-in-data.ts';

export interface WorldOptions {
  /** With a fleet in it where a coordinator had it before: then these agents find their devices there. */
  directory: string;
  agents: ReadonlySet<MemoryAgent>;
  /** Of the studies. */
  clock: Clock;
  /** From 0 to 1. */
  random: () => number;
}

export interface World {
  studies: ReturnType<typeof createStudyService>;
  fleet: ManagedFleet;
  line: Line;
  /** Adds it under its name, and it joins. */
  add(agent: MemoryAgent): Promise<void>;
  close(): Promise<void>;
}

export async function createWorld({ directory, agents, clock, random }: WorldOptions): Promise<World> {
  const log = plainLogger(() => {});
  const store = openStore(directory, { log });
  const fleet = createFleet({
    devices: store.devices,
    jobs: store.jobs,
    hostLease: { acquire: async () => () => {} },
    identity: loadIdentity(directory),
    machineId: 'of nobody',
    log,
    onMeasurement: (measurement) => store.measurements.save(measurement),
  });
  const line = { wire: new Wire(agents), blobs: store.blobs };
  await fleet.start(line.wire as unknown as MqttClient);
  for (const agent of agents) agent.connect(line);
  const studies = createStudyService({
    studies: store.studies,
    troubles: store.troubles,
    blobs: store.blobs,
    training: freeTraining(random),
    inference: createInferenceServer({
      measure: (...asked) => fleet.measure(...asked),
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
    ...{ studies, fleet, line },
    async add(agent) {
      const { token } = await fleet.addDevice(agent.name);
      const { deviceId } = await fleet.enroll({ token, board: agent.describe() });
      agent.joined(deviceId);
      agent.connect(line);
    },
    async close() {
      await studies.close();
      await fleet.stop();
      store.close();
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
  return {
    // What chance would reach is left open: any model of these may be recommended.
    checkDataset: async () => standInData({ classes: ['a', 'b', 'c'] }),
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
